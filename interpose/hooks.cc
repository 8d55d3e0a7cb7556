// SPDX-License-Identifier: Apache-2.0
#include "interpose/hooks.h"

#include <atomic>

#include "interpose/next.h"

namespace otprof::interpose {
namespace {

Hooks current;
std::atomic<ThreadStartHook> on_thread_start{nullptr};
std::atomic<ThreadStartHook> on_before_thread{nullptr};

}  // namespace

void set_hooks(const Hooks& hooks) noexcept { current = hooks; }
const Hooks& hooks() noexcept { return current; }

void call_on_thread_start(ThreadStartHook hook) noexcept {
  on_thread_start.store(hook, std::memory_order_release);
}
ThreadStartHook thread_start_hook() noexcept {
  return on_thread_start.load(std::memory_order_acquire);
}

void call_before_thread_start(ThreadStartHook hook) noexcept {
  on_before_thread.store(hook, std::memory_order_release);
}
ThreadStartHook before_thread_hook() noexcept {
  return on_before_thread.load(std::memory_order_acquire);
}

}  // namespace otprof::interpose
