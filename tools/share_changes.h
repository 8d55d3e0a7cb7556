// SPDX-License-Identifier: Apache-2.0
//
// How the shares of functions differ between two recordings. Shares and not amounts are compared, so
// that a longer recording is not a worse one.
#pragma once

#include <string>
#include <vector>

#include "tools/recording.h"

namespace otprof::tools {

struct ShareChange {
  std::string function;
  std::string module;
  double before = 0;  // percent
  double after = 0;
  double change() const { return after - before; }
};

// Of one sample type, by self or by total; every function that is in either, largest change first,
// whichever its direction. Functions are the same if their name and module are.
std::vector<ShareChange> share_changes(const Recording& before, const MergedProfile& before_profile,
                                       const Recording& after, const MergedProfile& after_profile,
                                       const std::string& type, bool by_total);

}  // namespace otprof::tools
