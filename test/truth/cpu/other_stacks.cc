// SPDX-License-Identifier: Apache-2.0
//
// Parts that run where a profiler does not expect it: on stacks that are not the thread's own, and in
// instructions that nobody compiled.
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "test/truth/cpu/parts.h"

using truth::compute;
using truth::thread_ns;

namespace {

constexpr std::size_t kStackSize = 64 << 10;
constexpr std::size_t kGuard = 4096;

std::uint64_t work_until;

[[gnu::noinline]] void work() {
  while (thread_ns() < work_until) compute();
}

// With a page on each side that nobody may touch.
char* new_stack(std::size_t size) {
  auto* area = static_cast<char*>(
      mmap(nullptr, size + 2 * kGuard, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (area == MAP_FAILED || mprotect(area + kGuard, size, PROT_READ | PROT_WRITE) != 0) abort();
  return area + kGuard;
}

}  // namespace

extern "C" {

// By libc.

static ucontext_t caller;
static ucontext_t callee;

static void context_body() {
  for (;;) {
    work();
    swapcontext(&callee, &caller);
  }
}

[[gnu::noinline]] void part_context(std::uint64_t end) {
  work_until = end;
  if (callee.uc_stack.ss_sp == nullptr) {
    getcontext(&callee);
    callee.uc_stack = {.ss_sp = new_stack(kStackSize), .ss_flags = 0, .ss_size = kStackSize};
    makecontext(&callee, context_body, 0);
  }
  swapcontext(&caller, &callee);
}

// By hand, as libraries of fibers do it. The first frame says that nothing called it.

void switch_stack(void** save, void* to);
void first_frame();

__asm__(R"(
  .text
  .type switch_stack, @function
switch_stack:
  .cfi_startproc
  pushq %rbp
  .cfi_adjust_cfa_offset 8
  pushq %rbx
  .cfi_adjust_cfa_offset 8
  pushq %r12
  .cfi_adjust_cfa_offset 8
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r12
  .cfi_adjust_cfa_offset -8
  popq %rbx
  .cfi_adjust_cfa_offset -8
  popq %rbp
  .cfi_adjust_cfa_offset -8
  ret
  .cfi_endproc
  .size switch_stack, . - switch_stack
  .type first_frame, @function
first_frame:
  .cfi_startproc
  .cfi_undefined %rip
  call *%rbx
  ud2
  .cfi_endproc
  .size first_frame, . - first_frame
)");

static void* caller_sp;
static void* fiber_sp;

static void fiber_body() {
  for (;;) {
    work();
    switch_stack(&fiber_sp, caller_sp);
  }
}

[[gnu::noinline]] void part_own_switch(std::uint64_t end) {
  work_until = end;
  if (fiber_sp == nullptr) {
    // What switch_stack() takes from it: r12, rbx, rbp, the return address; aligned for a call.
    auto* top = reinterpret_cast<void**>(new_stack(kStackSize) + kStackSize) - 8;
    top[1] = reinterpret_cast<void*>(fiber_body);
    top[3] = reinterpret_cast<void*>(first_frame);
    fiber_sp = top;
  }
  switch_stack(&caller_sp, fiber_sp);
}

static void on_signal(int) { work(); }

[[gnu::noinline]] void part_alternate_stack(std::uint64_t end) {
  work_until = end;
  static bool is_ready = false;
  if (!is_ready) {
    constexpr std::size_t kSmall = 16 << 10;
    const stack_t stack = {.ss_sp = new_stack(kSmall), .ss_flags = 0, .ss_size = kSmall};
    sigaltstack(&stack, nullptr);
    struct sigaction action {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_ONSTACK;
    sigaction(SIGUSR1, &action, nullptr);
    is_ready = true;
  }
  raise(SIGUSR1);
  __asm__ volatile("");
}

// A frame of the usual form around a loop, then a call of the function in rdi.
[[gnu::noinline]] void part_generated(std::uint64_t end) {
  // push rbp; mov rbp, rsp; mov ecx, 40000; 1: dec ecx; jnz 1b; call rdi; pop rbp; ret
  static const unsigned char kCode[] = {0x55, 0x48, 0x89, 0xe5, 0xb9, 0x40, 0x9c, 0x00, 0x00,
                                        0xff, 0xc9, 0x75, 0xfc, 0xff, 0xd7, 0x5d, 0xc3};
  static void (*generated)(void (*)()) = nullptr;
  if (generated == nullptr) {
    void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(page, kCode, sizeof kCode);
    if (mprotect(page, 4096, PROT_READ | PROT_EXEC) != 0) abort();
    generated = reinterpret_cast<void (*)(void (*)())>(page);
  }
  do {
    generated(compute);
  } while (thread_ns() < end);
}
}
