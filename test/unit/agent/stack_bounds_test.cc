// SPDX-License-Identifier: Apache-2.0
#include "agent/cpu/stack_bounds.h"

#include <pthread.h>
#include <sys/mman.h>

#include <array>
#include <thread>

#include <catch2/catch.hpp>

namespace cpu = otprof::cpu;
namespace unwind = otprof::unwind;

namespace {

struct Bounds {
  std::uintptr_t low = 0;
  std::uintptr_t high = 0;
};

Bounds bounds_by_libc() {
  pthread_attr_t attributes;
  pthread_getattr_np(pthread_self(), &attributes);
  void* lowest = nullptr;
  std::size_t size = 0;
  pthread_attr_getstack(&attributes, &lowest, &size);
  pthread_attr_destroy(&attributes);
  const auto low = reinterpret_cast<std::uintptr_t>(lowest);
  return {low, low + size};
}

unwind::StackBounds bounds_here() {
  int here = 0;
  return cpu::own_stack_bounds(reinterpret_cast<std::uintptr_t>(&here));
}

bool calibrate() {
  static bool known = false;
  if (!known) {
    std::thread([] { known = cpu::calibrate_stack_bounds(); }).join();
  }
  return known;
}

}  // namespace

TEST_CASE("the bounds of a thread's stack are those libc states") {
  REQUIRE(calibrate());
  std::thread([] {
    const Bounds libc = bounds_by_libc();
    const unwind::StackBounds ours = bounds_here();
    CHECK(ours.high == libc.high);
    CHECK(ours.low <= libc.low);  // the guard may be part of it
    CHECK(ours.low + (64 << 10) >= libc.low);
  }).join();
}

TEST_CASE("a stack the program brought itself is known at once") {
  REQUIRE(calibrate());
  constexpr std::size_t kSize = 64 << 10;
  void* memory = mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstack(&attributes, memory, kSize);
  unwind::StackBounds found;
  pthread_t thread{};
  REQUIRE(pthread_create(
              &thread, &attributes,
              [](void* out) -> void* {
                *static_cast<unwind::StackBounds*>(out) = bounds_here();
                return nullptr;
              },
              &found) == 0);
  pthread_join(thread, nullptr);
  CHECK(found.low == reinterpret_cast<std::uintptr_t>(memory));
  CHECK(found.high == reinterpret_cast<std::uintptr_t>(memory) + kSize);
  munmap(memory, kSize);
}

TEST_CASE("the main thread's stack ends where the loader says") {
  REQUIRE(calibrate());
  const unwind::StackBounds ours = bounds_here();
  const auto here = reinterpret_cast<std::uintptr_t>(&ours);
  CHECK((ours.low < here && here < ours.high));
  CHECK(ours.high <= bounds_by_libc().high);
}

TEST_CASE("a stack pointer elsewhere is on no stack of this thread") {
  REQUIRE(calibrate());
  static std::array<char, 4096> elsewhere;
  std::thread([] {
    const unwind::StackBounds ours =
        cpu::own_stack_bounds(reinterpret_cast<std::uintptr_t>(elsewhere.data()));
    CHECK(ours.low == 0);
    CHECK(ours.high == 0);
  }).join();
}
