// SPDX-License-Identifier: Apache-2.0
//
// The seam between the interposed libc functions and the agent: interpose/ calls these and knows
// nothing else of it. Unset hooks are not called, so that the functions pass straight through in a
// process that is not profiled.
#pragma once

namespace otprof::interpose {

struct Hooks {
  // The main thread is about to end by pthread_exit while others may go on.
  void (*main_thread_exits)() noexcept = nullptr;
};

// Once, from the agent's constructor.
void set_hooks(const Hooks& hooks) noexcept;

}  // namespace otprof::interpose
