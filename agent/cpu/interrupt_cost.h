// SPDX-License-Identifier: Apache-2.0
//
// What the kernel spends to interrupt a thread at the end of a perf event's period. It differs by a
// factor of ten between machines (a virtual one may leave for its host), so it is measured.
// Background thread only.
#pragma once

#include <cstdint>

namespace otprof::cpu {

// In ns; measured by the first call that finds perf events, in 3 ms of CPU time, on the calling
// thread, by an event without a signal. A usual value where there are no perf events.
std::uint64_t interrupt_cost_ns();

}  // namespace otprof::cpu
