// SPDX-License-Identifier: Apache-2.0
#include "agent/unusual_calls.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <ucontext.h>

#include <algorithm>
#include <array>
#include <cstddef>

namespace otprof::agent {
namespace {

struct Call {
  long number;
  long first;  // with these two arguments, and zeros, it does nothing
  long second;
  bool is_fatal;
};

std::array<Call, 11> calls = {{{SYS_perf_event_open, 0, -1, false},
                               {SYS_pidfd_open, -1, 0, false},
                               {SYS_pidfd_getfd, -1, -1, false},
                               {SYS_mincore, 0, 0, false},
                               {SYS_close_range, 1, 0, false},
                               {SYS_unshare, 0, 0, false},
                               {SYS_capget, 0, 0, false},
                               {SYS_getresuid, 0, 0, false},
                               {SYS_getresgid, 0, 0, false},
                               {SYS_rt_sigpending, 0, 0, false},
                               {SYS_rt_sigtimedwait, 0, 0, false}}};

bool do_handlers_return = true;

void make(const Call& call) noexcept { raw_syscall(call.number, call.first, call.second); }

constexpr unsigned char kIllegalBytes = 2;

void step_over(int /*signal*/, siginfo_t* /*info*/, void* context) noexcept {
  static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP] += kIllegalBytes;
}

// An illegal instruction needs no call to bring about its signal.
void return_from_handler() noexcept {
  struct sigaction action {};
  action.sa_sigaction = step_over;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGILL, &action, nullptr);
  __asm__ volatile("ud2");
}

// Does it in a child that sends no signal at its end; nothing of libc's is told of it. What cannot be tried
// out, because there may be no child, is `otherwise`.
template <typename Attempt>
bool survives(Attempt attempt, bool otherwise) noexcept {
  const long child = raw_syscall(SYS_clone);
  if (child == 0) {
    raw_syscall(SYS_prctl, PR_SET_DUMPABLE, 0);  // its end is no crash to be kept
    attempt();
    raw_syscall(SYS_exit_group, 0);
  }
  if (child < 0) {
    return otherwise;
  }
  int status = 0;
  while (raw_syscall(SYS_wait4, child, syscall_argument(&status), __WALL) == -EINTR) {
  }
  return status == 0;
}

}  // namespace

void probe_unusual_calls() noexcept {
  const auto try_all = [] {
    return_from_handler();
    std::ranges::for_each(calls, make);
  };
  if (raw_syscall(SYS_prctl, PR_GET_SECCOMP) != SECCOMP_MODE_FILTER || survives(try_all, false)) {
    return;
  }
  // Without the return from handlers hardly any program would run; the calls are the agent's alone.
  do_handlers_return = survives(return_from_handler, true);
  for (Call& call : calls) {
    call.is_fatal = !survives([&call] { make(call); }, false);
  }
}

bool survives_handlers() noexcept { return do_handlers_return; }

bool survives_call(long number) noexcept {
  for (const Call& call : calls) {
    if (call.number == number) {
      return !call.is_fatal;
    }
  }
  return true;
}

}  // namespace otprof::agent
