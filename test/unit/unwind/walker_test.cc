// SPDX-License-Identifier: Apache-2.0
//
// Walks of this test's own stack, in the places where walks are made: handlers, small stacks,
// generated code.
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <vector>

#include "agent/unwind/libunwind_walker.h"
#include "agent/unwind/unwinder.h"

namespace otprof::unwind {

namespace {

StackBounds own_bounds() {
  pthread_attr_t attributes;
  pthread_getattr_np(pthread_self(), &attributes);
  void* low = nullptr;
  std::size_t size = 0;
  pthread_attr_getstack(&attributes, &low, &size);
  pthread_attr_destroy(&attributes);
  const auto begin = reinterpret_cast<std::uintptr_t>(low);
  return {begin, begin + size};
}

using Walker = decltype(&walk_cfi);

struct Result {
  std::array<std::uint64_t, 256> frames{};
  Walk walk;
};

void no_tail_call() { __asm__ volatile("" ::: "memory"); }

[[gnu::noinline]] void walk_here(Walker walker, StackBounds bounds, std::uint32_t capacity,
                                 Result& result) {
  Registers registers;
  capture_registers(registers);
  result.walk = walker(registers, bounds, result.frames.data(), capacity);
  no_tail_call();
}

[[gnu::noinline]] Result walk(Walker walker = walk_cfi, std::uint32_t capacity = 256) {
  Result result;
  walk_here(walker, own_bounds(), capacity, result);
  return result;
}

// From the caller's caller of walk() on: the caller is in another place each time.
bool same_but_innermost(const Result& a, const Result& b) {
  constexpr std::ptrdiff_t kInnermost = 3;
  return a.walk.depth == b.walk.depth &&
         std::equal(a.frames.begin() + kInnermost, a.frames.begin() + a.walk.depth,
                    b.frames.begin() + kInnermost);
}

Result handler_result;
StackBounds handler_bounds;

void walk_in_handler(int, siginfo_t*, void* context) {
  const Registers registers = registers_from_context(*static_cast<ucontext_t*>(context));
  handler_result.walk = walk_cfi(registers, handler_bounds, handler_result.frames.data(), 256);
}

void walk_through_handler(int, siginfo_t*, void*) {
  walk_here(walk_cfi, handler_bounds, 256, handler_result);
  no_tail_call();
}

void raise_with(void (*handler)(int, siginfo_t*, void*), int flags) {
  struct sigaction action {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | flags;
  sigaction(SIGUSR1, &action, nullptr);
  handler_result = Result();
  raise(SIGUSR1);
  signal(SIGUSR1, SIG_DFL);
}

template <typename Body>
void on_thread_with_stack(void* stack, std::size_t size, Body body) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstack(&attributes, stack, size);
  pthread_t thread;
  const auto run = [](void* argument) -> void* {
    (*static_cast<Body*>(argument))();
    return nullptr;
  };
  REQUIRE(pthread_create(&thread, &attributes, run, &body) == 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

}  // namespace

TEST_CASE("captured registers are the caller's") {
  Registers registers;
  capture_registers(registers);
  const auto here = reinterpret_cast<std::uintptr_t>(&registers);
  CHECK(registers[kRsp] <= here);
  CHECK(here - registers[kRsp] < 65536);
  CHECK(registers.has(kRbx));
  CHECK(registers.has(kR15));
  CHECK_FALSE(registers.has(kRax));
  CHECK_FALSE(registers.has(kR11));
}

TEST_CASE("a walk of this stack is complete, and libunwind says the same") {
  const Result cfi = walk();
  CHECK(cfi.walk.end == StackEnd::kRoot);
  CHECK(cfi.walk.depth > 5);
  const Result warm = walk();
  CHECK(same_but_innermost(cfi, warm));
  prepare_libunwind();
  const Result libunwind = walk(walk_libunwind);
  CHECK(libunwind.walk.end == StackEnd::kRoot);
  CHECK(same_but_innermost(cfi, libunwind));
  forget_cached_rules();
  CHECK(same_but_innermost(cfi, walk()));
}

TEST_CASE("capacity is never passed, and truncation is told from an end") {
  const Result whole = walk();
  for (std::uint32_t capacity = 1; capacity <= whole.walk.depth + 1; ++capacity) {
    Result part;
    part.frames.fill(42);
    walk_here(walk_cfi, own_bounds(), capacity, part);
    // This test's frame is one fewer than walk()'s.
    const std::uint32_t depth = whole.walk.depth - 1;
    CHECK(part.walk.depth == std::min(capacity, depth));
    CHECK(part.walk.end == (capacity < depth ? StackEnd::kDepthLimit : StackEnd::kRoot));
    CHECK(part.frames[part.walk.depth] == 42);
  }
}

TEST_CASE("a stack that is not the thread's is walked all the same") {
  const Result own = walk();
  for (const StackBounds bounds : {StackBounds{}, StackBounds{0x1000, 0x2000}}) {
    Result result;
    walk_here(walk_cfi, bounds, 256, result);
    CHECK(result.walk.end == StackEnd::kRoot);
    CHECK(result.walk.depth == own.walk.depth - 1);  // without walk()'s
    walk_here(walk_libunwind, bounds, 256, result);
    CHECK(result.walk.depth == 1);
    CHECK(result.walk.end == StackEnd::kForeignStack);
  }
}

TEST_CASE("a stack pointer that points nowhere gives one frame") {
  Registers registers;
  capture_registers(registers);
  std::array<std::uint64_t, 8> frames;
  void* page = mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (const std::uint64_t sp : {std::uint64_t{0}, std::uint64_t{4096}, std::uint64_t{0x123456789},
                                 ~std::uint64_t{7}, reinterpret_cast<std::uint64_t>(page)}) {
    registers.value[kRsp] = sp;
    for (const Walker walker : {&walk_cfi, &walk_frame_pointers}) {
      const Walk walk = walker(registers, own_bounds(), frames.data(), 8);
      CHECK(walk.depth == 1);
      CHECK(walk.end == StackEnd::kForeignStack);
    }
  }
  munmap(page, 4096);
}

TEST_CASE("in a handler: the interrupted stack, and through the kernel's frame") {
  handler_bounds = own_bounds();
  raise_with(walk_in_handler, 0);
  CHECK(handler_result.walk.end == StackEnd::kRoot);
  const std::uint32_t interrupted = handler_result.walk.depth;
  const Result exact = handler_result;
  raise_with(walk_through_handler, 0);
  CHECK(handler_result.walk.end == StackEnd::kRoot);
  // walk_here, the handler and the signal frame come on top.
  REQUIRE(handler_result.walk.depth == interrupted + 3);
  CHECK(handler_result.frames[3] == exact.frames[0]);
}

TEST_CASE("from an alternate stack to the one that was interrupted") {
  std::vector<std::byte> memory(65536);
  stack_t stack{};
  stack.ss_sp = memory.data();
  stack.ss_size = memory.size();
  sigaltstack(&stack, nullptr);
  handler_bounds = own_bounds();
  raise_with(walk_in_handler, SA_ONSTACK);
  CHECK(handler_result.walk.end == StackEnd::kRoot);
  const std::uint32_t interrupted = handler_result.walk.depth;
  const auto low = reinterpret_cast<std::uintptr_t>(memory.data());
  // Whatever is told of the two stacks, none included.
  for (const StackBounds bounds :
       {own_bounds(), StackBounds{low, low + memory.size()}, StackBounds{}}) {
    handler_bounds = bounds;
    raise_with(walk_through_handler, SA_ONSTACK);
    CHECK(handler_result.walk.end == StackEnd::kRoot);
    // walk_here, the handler and the signal frame come on top.
    CHECK(handler_result.walk.depth == interrupted + 3);
  }
  stack.ss_flags = SS_DISABLE;
  sigaltstack(&stack, nullptr);
}

TEST_CASE("an alternate stack within the thread's own stack is walked through") {
  std::array<std::byte, 65536> memory;
  stack_t stack{};
  stack.ss_sp = memory.data();
  stack.ss_size = memory.size();
  sigaltstack(&stack, nullptr);
  handler_bounds = own_bounds();
  raise_with(walk_through_handler, SA_ONSTACK);
  CHECK(handler_result.walk.end == StackEnd::kRoot);
  stack.ss_flags = SS_DISABLE;
  sigaltstack(&stack, nullptr);
}

namespace {

ucontext_t context_caller;
ucontext_t context_callee;
Result context_result;

[[gnu::noinline]] void walk_in_context(Walker walker) {
  walk_here(*walker, StackBounds{}, 256, context_result);
  no_tail_call();
}
void context_body() {
  walk_in_context(walk_cfi);
  no_tail_call();
}

// Takes much of its stack before it walks.
void deep_context_body() {
  auto* const taken = static_cast<volatile char*>(__builtin_alloca(900 << 10));
  taken[0] = 1;
  walk_in_context(walk_cfi);
}

void run_context(void (*body)(), std::size_t size) {
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  getcontext(&context_callee);
  context_callee.uc_stack.ss_sp = memory;
  context_callee.uc_stack.ss_size = size;
  context_callee.uc_link = &context_caller;
  makecontext(&context_callee, body, 0);
  swapcontext(&context_caller, &context_callee);
  munmap(memory, size);
}

}  // namespace

TEST_CASE("a coroutine's stack is walked to its first frame") {
  run_context(context_body, 16384);
  CHECK(context_result.walk.end == StackEnd::kRoot);
  CHECK(context_result.walk.depth == 4);  // walk_here, walk_in_context, the body, __start_context
  run_context(deep_context_body, 1 << 20);
  CHECK(context_result.walk.end == StackEnd::kRoot);
  CHECK(context_result.walk.depth == 4);
}

TEST_CASE("a thread with the smallest stack") {
  std::vector<std::byte> memory(16384 + 4096);
  void* stack = reinterpret_cast<void*>((reinterpret_cast<std::uintptr_t>(memory.data()) + 4095) &
                                        ~std::uintptr_t{4095});
  Result result;
  on_thread_with_stack(stack, 16384, [&] {
    walk_here(walk_cfi, own_bounds(), 256, result);
    handler_bounds = own_bounds();
    raise_with(walk_in_handler, 0);
  });
  CHECK(result.walk.end == StackEnd::kRoot);
  CHECK(handler_result.walk.end == StackEnd::kRoot);
}

TEST_CASE("a cold walk takes less than 2 KiB of stack, a warm one less than 1 KiB") {
  constexpr std::size_t kSize = 262144;
  void* stack = mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(stack != MAP_FAILED);
  std::array<std::size_t, 2> used{};  // cold, warm
  on_thread_with_stack(stack, kSize, [&] {
    static std::array<std::uint64_t, 256> frames;
    const StackBounds bounds = own_bounds();
    forget_cached_rules();
    for (std::size_t& one : used) {
      Registers registers;
      capture_registers(registers);
      constexpr std::size_t kPainted = 8192;
      constexpr std::size_t kUnpainted = 512;  // this function's own frame
      auto* const low =
          reinterpret_cast<volatile unsigned char*>(registers[kRsp]) - kPainted - kUnpainted;
      for (std::size_t i = 0; i < kPainted; ++i) low[i] = 0xa5;
      walk_cfi(registers, bounds, frames.data(), 256);
      std::size_t untouched = 0;
      while (untouched < kPainted && low[untouched] == 0xa5) ++untouched;
      one = kPainted + kUnpainted - untouched;
    }
  });
  munmap(stack, kSize);
  INFO("cold " << used[0] << " warm " << used[1]);
  CHECK(used[0] < 2048);
  CHECK(used[1] < 1024);
}

namespace {

// Code in no module: keeps a frame pointer and calls its argument.
constexpr std::array<std::uint8_t, 11> kFramed = {0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3};
// The same without a frame pointer, with rbp used for something else.
constexpr std::array<std::uint8_t, 11> kUnframed = {0x55, 0x48, 0xc7, 0xc5, 0x01, 0,
                                                    0,    0,    0xff, 0xd7, 0x5d};

Result generated_result;

void walk_from_generated_code() {
  walk_here(walk_cfi, handler_bounds, 256, generated_result);
  no_tail_call();
}

using Generated = void (*)(void (*)());

Generated generate(const std::array<std::uint8_t, 11>& code) {
  void* memory = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  std::memcpy(memory, code.data(), code.size());
  static_cast<std::uint8_t*>(memory)[code.size()] = 0xc3;
  mprotect(memory, 4096, PROT_READ | PROT_EXEC);
  return reinterpret_cast<Generated>(memory);
}

Generated inner_generated;
void call_inner() {
  inner_generated(walk_from_generated_code);
  no_tail_call();
}

}  // namespace

TEST_CASE("generated code with frame pointers is walked through") {
  handler_bounds = own_bounds();
  inner_generated = generate(kFramed);
  const Generated outer = generate(kFramed);
  outer(call_inner);
  CHECK(generated_result.walk.end == StackEnd::kRoot);
  const auto count = [](Generated code) {
    const auto begin = reinterpret_cast<std::uintptr_t>(code);
    return std::count_if(generated_result.frames.begin(), generated_result.frames.end(),
                         [begin](std::uint64_t frame) { return frame - begin < 4096; });
  };
  CHECK(count(inner_generated) == 1);
  CHECK(count(outer) == 1);
}

TEST_CASE("generated code without frame pointers ends the walk, with nothing made up") {
  handler_bounds = own_bounds();
  const Generated code = generate(kUnframed);
  code(walk_from_generated_code);
  CHECK(generated_result.walk.end == StackEnd::kNoModule);
  CHECK(generated_result.walk.depth == 3);  // walk_here, walk_from_generated_code, code
}

namespace {

sigjmp_buf after_fault;

void walk_at_fault(int, siginfo_t*, void* context) {
  walk_in_handler(0, nullptr, context);
  siglongjmp(after_fault, 1);
}

void (*volatile no_function)() = nullptr;

}  // namespace

TEST_CASE("a run of generated frames that leads nowhere is taken back") {
  // Framed, but calls its second argument; its caller does not keep a frame pointer.
  constexpr std::array<std::uint8_t, 11> kCallsSecond = {0x55, 0x48, 0x89, 0xe5,
                                                         0xff, 0xd6, 0x5d, 0xc3};
  handler_bounds = own_bounds();
  const auto outer = reinterpret_cast<void (*)(void (*)(), void (*)())>(
      reinterpret_cast<void*>(generate(kUnframed)));
  const Generated inner = generate(kCallsSecond);
  outer(reinterpret_cast<void (*)()>(inner), walk_from_generated_code);
  CHECK(generated_result.walk.end == StackEnd::kNoModule);
  CHECK(generated_result.walk.depth == 3);  // outer was found, but nothing says that it is a caller
  CHECK(generated_result.frames[2] - reinterpret_cast<std::uintptr_t>(inner) < 4096);
}

TEST_CASE("a null pointer that is called: the caller is found") {
  handler_bounds = own_bounds();
  struct sigaction action {};
  action.sa_sigaction = walk_at_fault;
  action.sa_flags = SA_SIGINFO;
  struct sigaction before {};
  sigaction(SIGSEGV, &action, &before);
  if (sigsetjmp(after_fault, 1) == 0) no_function();
  sigaction(SIGSEGV, &before, nullptr);
  CHECK(handler_result.walk.end == StackEnd::kRoot);
  CHECK(handler_result.frames[0] == 0);
  const Result here = walk();
  CHECK(handler_result.walk.depth == here.walk.depth - 1);  // address 0 instead of two functions
}

TEST_CASE("the frame pointer walk follows the chain and checks its geometry") {
  std::array<std::uint64_t, 16> stack{};
  const auto at = [&](std::size_t i) { return reinterpret_cast<std::uintptr_t>(&stack[i]); };
  const StackBounds bounds = {at(0), at(0) + sizeof stack};
  Registers registers;
  registers.set(kRip, 0x401000);
  registers.set(kRsp, at(1));
  registers.set(kRbp, at(4));
  stack[4] = at(8);
  stack[5] = 0x402000;
  stack[8] = 0;
  stack[9] = 0x403000;
  std::array<std::uint64_t, 8> frames{};
  Walk walk = walk_frame_pointers(registers, bounds, frames.data(), 8);
  CHECK(walk.end == StackEnd::kRoot);
  REQUIRE(walk.depth == 3);
  CHECK(frames[1] == 0x401fff);
  CHECK(frames[2] == 0x402fff);
  CHECK(walk_frame_pointers(registers, bounds, frames.data(), 2).end == StackEnd::kDepthLimit);
  for (const std::uint64_t bad :
       {at(4), at(2), at(8) + 4, at(15), at(15) + 8, at(15) + 400, UINT64_MAX - 7}) {
    stack[4] = bad;
    walk = walk_frame_pointers(registers, bounds, frames.data(), 8);
    CHECK(walk.end == StackEnd::kBadFrame);
    CHECK(walk.depth == 2);
  }
  stack[4] = at(8);
  stack[5] = 0;
  CHECK(walk_frame_pointers(registers, bounds, frames.data(), 8).end == StackEnd::kNullPc);
}

TEST_CASE("every end has a name") {
  std::vector<std::string> names;
  for (unsigned end = 0; end < static_cast<unsigned>(StackEnd::kCount); ++end) {
    names.emplace_back(stack_end_name(static_cast<StackEnd>(end)));
  }
  CHECK(std::ranges::find(names, "unknown") == names.end());
  std::ranges::sort(names);
  CHECK(std::ranges::adjacent_find(names) == names.end());
}

}  // namespace otprof::unwind
