// SPDX-License-Identifier: Apache-2.0
//
// sigaltstack: whether there are such stacks at all is all that is learned by it; most programs have none.
#include "interpose/alternate_stacks.h"

#include <signal.h>
#include <sys/syscall.h>

#include <cstdint>

#include "interpose/next.h"

namespace otprof::interpose {

constinit std::atomic<bool> has_alternate_stacks{false};

namespace {

constinit std::atomic<bool> may_look{true};

long raw_sigaltstack(const stack_t* wanted, stack_t* old) noexcept {
  long result = SYS_sigaltstack;
  __asm__ volatile("syscall" : "+a"(result) : "D"(wanted), "S"(old) : "rcx", "r11", "memory");
  return result;
}

}  // namespace

void never_look_at_alternate_stacks() noexcept { may_look.store(false, std::memory_order_relaxed); }

void leave_alternate_stack(const void* begin, std::size_t length) noexcept {
  stack_t now{};
  if (!may_look.load(std::memory_order_relaxed) || raw_sigaltstack(nullptr, &now) != 0 ||
      (now.ss_flags & SS_DISABLE) != 0) {
    return;
  }
  const auto from = reinterpret_cast<std::uintptr_t>(begin);
  const auto stack = reinterpret_cast<std::uintptr_t>(now.ss_sp);
  if (from < stack + now.ss_size && stack < from + length) {
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    raw_sigaltstack(&none, nullptr);
  }
}

}  // namespace otprof::interpose

extern "C" [[gnu::visibility("default")]] int sigaltstack(const stack_t* wanted,
                                                          stack_t* old) noexcept {
  static const auto real =
      otprof::interpose::next<int (*)(const stack_t*, stack_t*)>("sigaltstack");
  const int result = real(wanted, old);
  if (result == 0 && wanted != nullptr) {
    otprof::interpose::has_alternate_stacks.store(true, std::memory_order_relaxed);
  }
  return result;
}
