// SPDX-License-Identifier: Apache-2.0
// Runs in signal handlers and malloc hooks. Calls: raw_syscall, is_readable.
//
// What libunwind calls instead of three functions of libc; its archive is made to (meson.build).
//
// sigprocmask: libunwind masks every signal while it holds its lock, and relies on it. The function that
// programs call leaves the agent's own signals open: a sample could come in between and want the
// same lock on the same thread.
//
// pipe2, and syscall to write: libunwind finds out whether memory can be read by writing it to a pipe.
// That takes two descriptors of the program's, and when threads find the pipe closed at the same time,
// each closes it again: by then the numbers are the program's (its standard output was lost). So there is
// no pipe, and writing to none tells what was to be known.
#include <errno.h>
#include <signal.h>
#include <stdarg.h>

#include "agent/raw_syscall.h"
#include "agent/unwind/readable.h"

namespace {

using otprof::agent::raw_syscall;
using otprof::agent::syscall_argument;

constexpr std::uint64_t kWord = 8;

}  // namespace

extern "C" {

int otprof_unwind_sigprocmask(int how, const sigset_t* set, sigset_t* old);
int otprof_unwind_pipe2(int* ends, int flags);
long otprof_unwind_syscall(long number, ...);

int otprof_unwind_sigprocmask(int how, const sigset_t* set, sigset_t* old) {
  constexpr long kKernelMaskBytes = 8;
  const long result = raw_syscall(SYS_rt_sigprocmask, how, syscall_argument(set),
                                  syscall_argument(old), kKernelMaskBytes);
  if (result >= 0) return 0;
  errno = static_cast<int>(-result);
  return -1;
}

// Leaves the ends as they are: -1, which is never closed.
int otprof_unwind_pipe2(int*, int) { return -1; }

// Only ever asked to write one byte.
long otprof_unwind_syscall(long number, ...) {
  va_list arguments;
  va_start(arguments, number);
  va_arg(arguments, int);  // the pipe
  const auto address = reinterpret_cast<std::uint64_t>(va_arg(arguments, const void*));
  va_end(arguments);
  return number == SYS_write && otprof::unwind::is_readable(address & ~(kWord - 1)) ? 1 : -1;
}
}
