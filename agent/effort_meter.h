// SPDX-License-Identifier: Apache-2.0
//
// What the agent has spent of the machine's time so far, and the program: read from clocks and from
// what handlers and hooks have counted, for the governor and for profiles. Background thread only.
#pragma once

#include <cstdint>

#include "agent/cpu_sampling.h"
#include "agent/governor.h"

namespace otprof::agent {

class EffortMeter {
 public:
  // What a parent process, or an agent before this one, has spent is not in what read() says, but in
  // clocks of the process and the thread.
  explicit EffortMeter(bool has_heap);

  // What a CPU sample costs beyond its handler's time is learnt once some have been taken, in 3 ms.
  Effort read(const CpuSampling& sampling);

 private:
  bool has_heap_;
  std::uint64_t signals_before_;
  std::uint64_t cpu_spent_before_;
  std::uint64_t cpu_samples_ns_ = 0;
};

}  // namespace otprof::agent
