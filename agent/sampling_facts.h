// SPDX-License-Identifier: Apache-2.0
//
// What a CPU profile says of how its samples were made. Background thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace otprof::agent {

struct SamplingFacts {
  std::string engine = "none";
  std::string reason{};               // why this engine, or why none
  std::uint64_t period_ns = 0;        // CPU time between two samples of a thread; as of now
  std::string period_reason{};        // why that much
  std::uint64_t period_changes = 0;   // by the governor, since the start
  std::uint64_t unarmed_threads = 0;  // threads no engine could be set on; as of now
  std::uint64_t blocked_threads = 0;  // threads that block the engine's signal; as of now
  std::uint64_t outside_trace = 0;    // periods left out by OTPROF_SAMPLING=trace, since the start
  std::chrono::microseconds paused{0};  // for a debugger or another rate, in this window
};

}  // namespace otprof::agent
