// SPDX-License-Identifier: Apache-2.0
//
// pthread_exit and thrd_exit of the main thread. A process whose main thread has ended this way goes
// on until its last thread ends; libc then runs exit() on that thread. The agent's own thread would
// keep the process alive for ever, or have to run the host's exit handlers without its descriptors:
// so the agent ends before the main thread does.
//
// Both functions unwind the caller's frames, this one included, so neither may be noexcept.
#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>

#include "interpose/hooks.h"
#include "interpose/next.h"

namespace otprof::interpose {
namespace {

void tell_if_main_thread() {
  if (gettid() == getpid() && hooks().main_thread_exits != nullptr) {
    hooks().main_thread_exits();
  }
}

}  // namespace
}  // namespace otprof::interpose

extern "C" {

[[noreturn, gnu::visibility("default")]] void pthread_exit(void* result) {
  static const auto real = otprof::interpose::next<void (*)(void*)>("pthread_exit");
  otprof::interpose::tell_if_main_thread();
  real(result);
  __builtin_unreachable();
}

[[noreturn, gnu::visibility("default")]] void thrd_exit(int result) {
  static const auto real = otprof::interpose::next<void (*)(int)>("thrd_exit");
  otprof::interpose::tell_if_main_thread();
  real(result);
  __builtin_unreachable();
}
}
