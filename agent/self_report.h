// SPDX-License-Identifier: Apache-2.0
//
// What the agent says of itself with each window: what became of earlier windows, and what it takes
// of the machine. Under names that docs/metrics.md explains. Background thread only.
#pragma once

#include "agent/delivery.h"
#include "agent/governor.h"
#include "encoder/dictionary.h"
#include "encoder/profile.h"

namespace otprof::agent {

struct SelfReport {
  Effort effort;
  std::uint64_t cost_ppm = 0;  // as the governor sees it
  std::uint64_t memory_bytes = 0;
  std::uint64_t windows_closed_early = 0;
  std::uint64_t lines_unread = 0;
  std::uint64_t lines_postponed = 0;
};

// Adds to the attributes of `profile`. Counts are since the process began to be profiled.
void add_self_report(const SelfReport& report, const Delivery& delivery,
                     encoder::Dictionary& dictionary, encoder::Profile& profile);

}  // namespace otprof::agent
