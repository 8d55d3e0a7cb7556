// SPDX-License-Identifier: Apache-2.0
//
// The process's SIGTRAP handler: takes a sample when the trap is one of our perf events, and passes
// everything else on to whoever handled SIGTRAP before, with the semantics that owner asked for.
#pragma once

#include <cstdint>

namespace otprof::cpu {

// The tag that our perf events carry in perf_event_attr.sig_data.
inline constexpr std::uint64_t kTrapTag = 0x6f7470726f66'0001;

// Puts the handler in place; false if the kernel refuses. Once per process, any thread. It stays in
// place for good: a trap may be pending on some thread at any time.
bool install_trap_handler() noexcept;

// While false, our traps are taken and dropped.
void accept_traps(bool accept) noexcept;

// True as long as the handler in the kernel is ours. Any thread.
bool owns_trap_signal() noexcept;

}  // namespace otprof::cpu
