// SPDX-License-Identifier: Apache-2.0
//
// prctl, for PR_SET_SECCOMP with the strict mode. Such a thread may read, write, exit and return from
// signals, and the kernel takes the time stamp counter from it as well: a sample would kill it. So
// the agent ends in a process that does this. And with a filter, from which the agent is warned.
#include <linux/seccomp.h>
#include <stdarg.h>
#include <sys/prctl.h>

#include "interpose/next.h"
#include "interpose/sandbox.h"

namespace otprof::interpose {

void tell_of_sandbox(bool is_strict, bool is_filter) noexcept {
  auto* const tell = is_strict   ? hooks().strict_sandbox_begins
                     : is_filter ? hooks().filter_sandbox_begins
                                 : nullptr;
  if (tell != nullptr) {
    tell();
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
  if (option == PR_SET_SECCOMP) {
    otprof::interpose::tell_of_sandbox(a == SECCOMP_MODE_STRICT, a == SECCOMP_MODE_FILTER);
  }
  return real(option, a, b, c, d);
}
