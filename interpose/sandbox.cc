// SPDX-License-Identifier: Apache-2.0
//
// prctl, for PR_SET_SECCOMP with the strict mode. Such a thread may read, write, exit and return from
// signals, and the kernel takes the time stamp counter from it as well: a sample would kill it. So
// the agent ends in a process that does this. And with a filter, from which the agent is warned. And for
// PR_SET_SYSCALL_USER_DISPATCH, which turns a thread's system calls into signals, the return from a
// handler included.
#include "interpose/sandbox.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <sys/prctl.h>

#include "interpose/next.h"

// Linux 5.11: libc's headers may be older than the kernel.
#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif

namespace otprof::interpose {

void tell_of_strict_sandbox() noexcept {
  if (hooks().strict_sandbox_begins != nullptr) {
    hooks().strict_sandbox_begins();
  }
}

void tell_of_filter(const void* filter, bool is_for_all_threads) noexcept {
  if (filter != nullptr && hooks().filter_sandbox_begins != nullptr) {
    hooks().filter_sandbox_begins(static_cast<const sock_fprog*>(filter), is_for_all_threads);
  }
}

void tell_of_prctl(unsigned long option, unsigned long a, const void* b) noexcept {
  if (option == PR_SET_SECCOMP && a == SECCOMP_MODE_STRICT) {
    tell_of_strict_sandbox();
  } else if (option == PR_SET_SECCOMP && a == SECCOMP_MODE_FILTER) {
    tell_of_filter(b, false);
  } else if (option == PR_SET_SYSCALL_USER_DISPATCH && a != 0 &&
             hooks().dispatch_begins != nullptr) {
    hooks().dispatch_begins();
  }
}

}  // namespace otprof::interpose

extern "C" [[gnu::visibility("default")]] int prctl(int option, ...) noexcept {
  static const auto real = otprof::interpose::next<int (*)(int, ...)>("prctl");
  // The kernel takes five arguments whatever the option; libc passes on what is in the registers,
  // and so does this.
  va_list given;
  va_start(given, option);
  const auto a = va_arg(given, unsigned long);
  const auto b = va_arg(given, unsigned long);
  const auto c = va_arg(given, unsigned long);
  const auto d = va_arg(given, unsigned long);
  va_end(given);
  otprof::interpose::tell_of_prctl(static_cast<unsigned>(option), a,
                                   reinterpret_cast<const void*>(b));
  return real(option, a, b, c, d);
}
