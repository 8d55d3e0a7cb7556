// SPDX-License-Identifier: Apache-2.0
//
// System calls that the agent makes and hardly any program would. A filter put on before the program
// was executed (a hardened service's) may end the process for them instead of refusing them, so
// whether they are harmless is tried out first, in a child of its own.
#pragma once

#include <errno.h>

#include "agent/raw_syscall.h"

namespace otprof::agent {

// Finds out. Once, before the first unusual call, while the process has one thread. Without a filter
// one system call; with one, a fork more, of which the program hears nothing.
void probe_unusual_calls() noexcept;

// False when the process would not survive it. Any thread.
bool survives_call(long number) noexcept;

// False when it would not survive the return from a signal handler.
bool survives_handlers() noexcept;

// As raw_syscall(), but refused with -EPERM when the process would not survive it. For the calls named
// in unusual_calls.cc. Any thread.
inline long unusual_syscall(long number, long a = 0, long b = 0, long c = 0, long d = 0,
                            long e = 0) noexcept {
  return survives_call(number) ? raw_syscall(number, a, b, c, d, e) : -EPERM;
}

}  // namespace otprof::agent
