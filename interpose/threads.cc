// SPDX-License-Identifier: Apache-2.0
//
// pthread_create: lets the agent run something on each new thread, before the thread's own routine.
//
// pthread_exit and thrd_exit of the main thread. A process whose main thread has ended this way goes
// on until its last thread ends; libc then runs exit() on that thread. The agent's own thread would
// keep the process alive for ever, or have to run the host's exit handlers without its descriptors:
// so the agent ends before the main thread does. Both functions unwind the caller's frames, this one
// included, so neither may be noexcept.
#include <pthread.h>
#include <unistd.h>

#include "interpose/hooks.h"
#include "interpose/next.h"
#include "interpose/signal_guard.h"
#include "interpose/start_records.h"

namespace otprof::interpose {
namespace {

using CreateFunction = int (*)(pthread_t*, const pthread_attr_t*, StartRoutine, void*);

StartRecords start_records;

// Ends in a jump, not a call: no frame of ours stays below the thread's own routine.
void* run_thread(void* given) {
  const StartRecord record = *static_cast<StartRecord*>(given);
  start_records.give_back(static_cast<StartRecord*>(given));
  believed_mask = record.believed_mask;
  unblock_really(believed_mask & guarded_signals());
  if (const ThreadStartHook hook = thread_start_hook()) {
    hook();
  }
  return record.routine(record.argument);
}

void tell_if_main_thread() {
  if (gettid() == getpid() && hooks().main_thread_exits != nullptr) {
    hooks().main_thread_exits();
  }
}

}  // namespace
}  // namespace otprof::interpose

using otprof::interpose::before_thread_hook;
using otprof::interpose::believed_mask;
using otprof::interpose::block_really;
using otprof::interpose::CreateFunction;
using otprof::interpose::guarded_signals;
using otprof::interpose::next;
using otprof::interpose::run_thread;
using otprof::interpose::start_records;
using otprof::interpose::StartRecord;
using otprof::interpose::tell_if_main_thread;
using otprof::interpose::thread_start_hook;
using otprof::interpose::ThreadStartHook;
using otprof::interpose::unblock_really;

extern "C" {

[[gnu::visibility("default")]] int pthread_create(pthread_t* thread,
                                                  const pthread_attr_t* attributes,
                                                  void* (*routine)(void*),
                                                  void* argument) noexcept {
  static const auto real = next<CreateFunction>("pthread_create");
  if (const ThreadStartHook hook = before_thread_hook()) {
    hook();
  }
  // Without a free record the thread starts as it would without us; the agent finds it later.
  const bool is_needed = thread_start_hook() != nullptr || believed_mask != 0;
  StartRecord* record = is_needed ? start_records.take() : nullptr;
  if (record == nullptr) {
    return real(thread, attributes, routine, argument);
  }
  *record = {routine, argument, believed_mask};
  // What comes before the new thread knows what it believes would come too early.
  block_really(believed_mask & guarded_signals());
  const int error = real(thread, attributes, run_thread, record);
  unblock_really(believed_mask & guarded_signals());
  if (error != 0) {
    start_records.give_back(record);
  }
  return error;
}

[[gnu::noreturn, gnu::visibility("default")]] void pthread_exit(void* result) {
  static const auto real = next<void (*)(void*)>("pthread_exit");
  tell_if_main_thread();
  real(result);
  __builtin_unreachable();
}

[[gnu::noreturn, gnu::visibility("default")]] void thrd_exit(int result) {
  static const auto real = next<void (*)(int)>("thrd_exit");
  tell_if_main_thread();
  real(result);
  __builtin_unreachable();
}
}
