// SPDX-License-Identifier: Apache-2.0
//
// System calls made by the instruction itself: no libc call, so no errno, no cancellation point, no
// interposed wrapper. Returns the kernel's own result: -errno on failure.
// Callable from anywhere, signal handlers and malloc hooks included.
#pragma once

#include <sys/syscall.h>

// Linux 5.6 and 5.9: the kernel's headers may be older than the kernel.
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

namespace otprof::agent {

inline long raw_syscall(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0,
                        long f = 0) noexcept {
  long result = number;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "+a"(result)
                   : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

template <typename T>
long syscall_argument(T* pointer) noexcept {
  return reinterpret_cast<long>(pointer);
}

}  // namespace otprof::agent
