// SPDX-License-Identifier: Apache-2.0
// Runs in signal handlers and malloc hooks. Calls: raw_syscall.
//
// What sigprocmask means inside this library. libunwind masks every signal while it holds its lock, and
// relies on it; the function that the program calls leaves the agent's signals open, so that a sample
// could come in between and want the same lock on the same thread. The link binds the calls of the
// libraries inside to this one.
#include <errno.h>
#include <signal.h>

#include "agent/raw_syscall.h"

extern "C" int __wrap_sigprocmask(int how, const sigset_t* set, sigset_t* old);

int __wrap_sigprocmask(int how, const sigset_t* set, sigset_t* old) {
  using otprof::agent::raw_syscall;
  using otprof::agent::syscall_argument;
  constexpr long kKernelMaskBytes = 8;
  const long result = raw_syscall(SYS_rt_sigprocmask, how, syscall_argument(set),
                                  syscall_argument(old), kKernelMaskBytes);
  if (result >= 0) return 0;
  errno = static_cast<int>(-result);
  return -1;
}
