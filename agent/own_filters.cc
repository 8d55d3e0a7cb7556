// SPDX-License-Identifier: Apache-2.0
#include "agent/own_filters.h"

#include <algorithm>
#include <atomic>
#include <initializer_list>
#include <span>

#include "agent/cpu/stack_bounds.h"
#include "agent/filter_program.h"
#include "agent/raw_syscall.h"

namespace otprof::agent {
namespace {

std::atomic<bool> handlers_return{true};
std::atomic<bool> may_probe_stacks{true};
std::atomic<bool> may_check_memory{true};
std::atomic<bool> end_signals_work{true};
std::atomic<bool> may_set_actions{true};
std::atomic<bool> all_may_set_actions{true};  // the agent's thread, too

}  // namespace

FilterEffects filters_so_far() noexcept {
  return {.is_in_force = true,
          .handlers_return = handlers_return.load(std::memory_order_relaxed),
          .may_probe_stacks = may_probe_stacks.load(std::memory_order_relaxed),
          .end_signals_work = end_signals_work.load(std::memory_order_relaxed),
          .may_set_mask = may_check_memory.load(std::memory_order_relaxed),
          .may_set_actions = may_set_actions.load(std::memory_order_relaxed),
          .agent_may_set_actions = all_may_set_actions.load(std::memory_order_relaxed)};
}

FilterEffects add_filter(const sock_fprog* filter, bool is_for_all_threads) noexcept {
  if (!may_check_memory.load(std::memory_order_relaxed)) {
    // Whether the kernel can read it is not to be found out; reading it here might fault. So it is one that
    // lets nothing through.
    for (std::atomic<bool>* what : {&handlers_return, &may_probe_stacks, &end_signals_work,
                                    &may_set_actions, &all_may_set_actions}) {
      what->store(false, std::memory_order_relaxed);
    }
    return filters_so_far();
  }
  const std::span<const sock_filter> program = readable_filter(filter);
  const auto restrict = [&](std::atomic<bool>& what, std::initializer_list<long> calls) {
    if (!std::ranges::all_of(calls, [&](long call) { return lets_through(program, call); })) {
      what.store(false, std::memory_order_relaxed);
    }
  };
  const bool is_in_force = !program.empty();
  if (is_in_force) {
    restrict(may_check_memory, {SYS_rt_sigprocmask});
    restrict(handlers_return, {SYS_rt_sigreturn});
    if (cpu::asks_for_thread_pointer()) {
      restrict(handlers_return, {SYS_arch_prctl});
    }
    restrict(may_probe_stacks, {SYS_gettid, SYS_sigaltstack, SYS_rt_sigprocmask});
    restrict(end_signals_work, {SYS_rt_sigreturn, SYS_rt_sigaction, SYS_rt_tgsigqueueinfo,
                                SYS_tgkill, SYS_getpid, SYS_gettid});
    restrict(may_set_actions, {SYS_rt_sigaction});
    if (is_for_all_threads) {
      restrict(all_may_set_actions, {SYS_rt_sigaction});
    }
  }
  FilterEffects effects = filters_so_far();
  effects.is_in_force = is_in_force;
  return effects;
}

}  // namespace otprof::agent
