// SPDX-License-Identifier: Apache-2.0
//
// prctl, for PR_SET_SECCOMP with the strict mode. Such a thread may read, write, exit and return from
// signals, and the kernel takes the time stamp counter from it as well: a sample would kill it. So
// the agent ends in a process that does this. And with a filter, from which the agent is warned.
#include <linux/seccomp.h>
#include <stdarg.h>
#include <sys/prctl.h>

#include "interpose/next.h"

extern "C" [[gnu::visibility("default")]] int prctl(int option, ...) noexcept {
  using otprof::interpose::hooks;
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
  if (option == PR_SET_SECCOMP && a == SECCOMP_MODE_STRICT &&
      hooks().strict_sandbox_begins != nullptr) {
    hooks().strict_sandbox_begins();
  }
  if (option == PR_SET_SECCOMP && a == SECCOMP_MODE_FILTER &&
      hooks().filter_sandbox_begins != nullptr) {
    hooks().filter_sandbox_begins();
  }
  return real(option, a, b, c, d);
}
