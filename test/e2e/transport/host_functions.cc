// SPDX-License-Identifier: Apache-2.0
#include "test/e2e/transport/host_functions.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>

HostCalls host_calls;

namespace {

template <typename Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

char* getenv(const char* name) noexcept {
  static const auto real = next<char* (*)(const char*)>("getenv");
  if (host_calls.watching) host_calls.environment_reads += std::string(name) + " ";
  return real(name);
}

char* secure_getenv(const char* name) noexcept {
  static const auto real = next<char* (*)(const char*)>("secure_getenv");
  if (host_calls.watching) host_calls.environment_reads += std::string(name) + " ";
  return real(name);
}

int sigaction(int number, const struct sigaction* action, struct sigaction* old) noexcept {
  static const auto real =
      next<int (*)(int, const struct sigaction*, struct sigaction*)>("sigaction");
  if (host_calls.watching && action != nullptr) ++host_calls.signal_changes;
  return real(number, action, old);
}

sighandler_t signal(int number, sighandler_t handler) noexcept {
  static const auto real = next<sighandler_t (*)(int, sighandler_t)>("signal");
  if (host_calls.watching) ++host_calls.signal_changes;
  return real(number, handler);
}

int __cxa_atexit(void (*function)(void*), void* argument, void* dso) noexcept {
  static const auto real = next<int (*)(void (*)(void*), void*, void*)>("__cxa_atexit");
  if (host_calls.watching) ++host_calls.exit_handlers;
  return real(function, argument, dso);
}

}  // extern "C"
