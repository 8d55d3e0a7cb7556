// SPDX-License-Identifier: Apache-2.0
//
// How much of a stack that is not the thread's own may be read: that of a coroutine, an alternate
// signal stack, or a thread that libc did not make. Nothing tells where such a stack ends, so the
// kernel is asked, page by page upwards from the stack pointer, whether it could be read.
//
// Code is running on it, so it is mapped, and what lies above the stack pointer up to its first frame
// stays so. What a wrong unwind table might look at beyond that frame could be unmapped by another
// thread right after the kernel was asked; hence no more is taken than is needed, in steps.
//
// Usable from a signal handler and a malloc hook. Makes system calls (sigaltstack, and rt_sigprocmask, which
// change nothing; some 0.1 us each), unless it must not.
#pragma once

#include <cstdint>

#include "agent/unwind/unwinder.h"

namespace otprof::unwind {

// From now on no such stack is read: the program has a seccomp filter that does not let these calls
// through. Any thread.
void never_probe_stacks() noexcept;

class ProbedStack {
 public:
  // The first part of the stack around `sp`, beginning with its red zone; empty bounds if `sp` cannot
  // be read, or the stack that this runs on has no room for a walk.
  StackBounds start(std::uint64_t sp) noexcept;
  // The same with more of it; false if there is no more, or kMostBytes are taken already.
  bool grow(StackBounds& bounds) noexcept;

  static constexpr std::uint64_t kFirstBytes = 16 << 10;
  static constexpr std::uint64_t kMostBytes = 1 << 20;

 private:
  void extend(StackBounds& bounds, std::uint64_t bytes) noexcept;

  bool has_more_ = false;
};

}  // namespace otprof::unwind
