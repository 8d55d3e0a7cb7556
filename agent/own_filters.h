// SPDX-License-Identifier: Apache-2.0
//
// What the system call filters that the program puts on itself leave to the agent's code on the program's
// threads: its handlers, above all.
#pragma once

#include <linux/filter.h>

namespace otprof::agent {

// By all filters so far, together.
struct FilterEffects {
  bool is_in_force = true;  // false: the kernel will refuse this one
  // A handler comes to its end by a system call. Without it no signal may have a handler of ours.
  bool handlers_return = true;
  // The calls by which a handler asks what it may read of a stack that is not its thread's.
  bool may_probe_stacks = true;
  // Those by which the handler of SIGTERM and its like brings about the default action.
  bool end_signals_work = true;
  // What the program's threads may call, and the agent's.
  bool may_set_mask = true;
  bool may_set_actions = true;
  bool agent_may_set_actions = true;
};

// Any thread.
FilterEffects filters_so_far() noexcept;

// Before it is in force. Any thread; by two at once, one may not know of the other's.
FilterEffects add_filter(const sock_fprog* filter, bool is_for_all_threads) noexcept;

}  // namespace otprof::agent
