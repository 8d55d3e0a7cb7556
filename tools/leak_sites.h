// SPDX-License-Identifier: Apache-2.0
//
// Where memory that is still in use was allocated. A leak and a cache look alike in one profile; what
// tells them apart is that a leak grows from window to window.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tools/recording.h"

namespace otprof::tools {

struct LeakSite {
  std::vector<std::string> frames;  // innermost first, without the allocator's own
  std::int64_t in_use_bytes = 0;
  std::int64_t in_use_objects = 0;
  std::int64_t allocated_bytes = 0;  // since the recording began; 0 if it does not say
  // As the agent ranks what grows most suspiciously, from 1 up; 0: not among those.
  std::int64_t rank = 0;
  std::int64_t growth = 0;  // bytes in the windows the ranking looked at
  // Bytes in use by age, "<1m" and the like as libotprof labels them, youngest first.
  std::vector<std::pair<std::string, std::int64_t>> by_age = {};
};

// What the agent ranked first, then the largest; sites with nothing in use are left out. Empty without an inuse_space column.
std::vector<LeakSite> leak_sites(const Recording& recording, const MergedProfile& heap);

}  // namespace otprof::tools
