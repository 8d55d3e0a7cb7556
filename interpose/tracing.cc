// SPDX-License-Identifier: Apache-2.0
//
// ptrace, for PTRACE_TRACEME: from then on each signal stops the thread and wakes its tracer, the agent's own
// signals included. A tracer counts such stops, so there must be none.
#include <errno.h>
#include <stdarg.h>
#include <sys/ptrace.h>
#include <sys/types.h>

#include "interpose/next.h"

// The enumeration as libc declares it; it is no smaller than an int.
#pragma GCC diagnostic ignored "-Wvarargs"
extern "C" [[gnu::visibility("default")]] long ptrace(enum __ptrace_request request, ...) noexcept {
  static const auto real = otprof::interpose::next<long (*)(enum __ptrace_request, ...)>("ptrace");
  // Three more arguments whatever the request, as libc takes them.
  va_list given;
  va_start(given, request);
  const auto process = va_arg(given, pid_t);
  auto* const address = va_arg(given, void*);
  auto* const data = va_arg(given, void*);
  va_end(given);
  if (request == PTRACE_TRACEME && otprof::interpose::hooks().tracing_begins != nullptr) {
    const int error = errno;
    otprof::interpose::hooks().tracing_begins();
    errno = error;
  }
  return real(request, process, address, data);
}
