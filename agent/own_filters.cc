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

}  // namespace

FilterEffects add_filter(const sock_fprog* filter) noexcept {
  const std::span<const sock_filter> program =
      may_check_memory.load(std::memory_order_relaxed)
          ? readable_filter(filter)
          : std::span<const sock_filter>(filter->filter, filter->len);
  const auto restrict = [&](std::atomic<bool>& what, std::initializer_list<long> calls) {
    if (!std::ranges::all_of(calls, [&](long call) { return lets_through(program, call); })) {
      what.store(false, std::memory_order_relaxed);
    }
    return what.load(std::memory_order_relaxed);
  };
  FilterEffects effects;
  effects.is_in_force = !program.empty();
  if (effects.is_in_force) {
    restrict(may_check_memory, {SYS_rt_sigprocmask});
    effects.handlers_return = restrict(handlers_return, {SYS_rt_sigreturn});
    if (cpu::asks_for_thread_pointer()) {
      effects.handlers_return = restrict(handlers_return, {SYS_arch_prctl});
    }
    effects.may_probe_stacks =
        restrict(may_probe_stacks, {SYS_gettid, SYS_sigaltstack, SYS_rt_sigprocmask});
    effects.end_signals_work =
        restrict(end_signals_work, {SYS_rt_sigreturn, SYS_rt_sigaction, SYS_rt_tgsigqueueinfo,
                                    SYS_tgkill, SYS_getpid, SYS_gettid});
  }
  return effects;
}

}  // namespace otprof::agent
