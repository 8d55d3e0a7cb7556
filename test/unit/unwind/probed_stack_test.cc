// SPDX-License-Identifier: Apache-2.0
#include "agent/unwind/probed_stack.h"

#include <signal.h>
#include <sys/mman.h>

#include <catch2/catch.hpp>

namespace otprof::unwind {
namespace {

constexpr std::uint64_t kPage = 4096;

// Pages that can be read, between two that cannot.
class Island {
 public:
  explicit Island(std::uint64_t pages)
      : size_((pages + 2) * kPage),
        memory_(mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    REQUIRE(memory_ != MAP_FAILED);
    REQUIRE(mprotect(reinterpret_cast<void*>(low()), pages * kPage, PROT_READ) == 0);
  }
  ~Island() { munmap(memory_, size_); }
  Island(const Island&) = delete;
  Island& operator=(const Island&) = delete;
  std::uint64_t low() const { return reinterpret_cast<std::uint64_t>(memory_) + kPage; }
  std::uint64_t high() const { return reinterpret_cast<std::uint64_t>(memory_) + size_ - kPage; }

 private:
  std::size_t size_;
  void* memory_;
};

}  // namespace

TEST_CASE("a small stack is seen to its end, and no further") {
  const Island island(2);
  ProbedStack stack;
  StackBounds bounds = stack.start(island.low() + 200);
  CHECK(bounds.low == island.low() + 200 - 128);
  CHECK(bounds.high == island.high());
  CHECK_FALSE(stack.grow(bounds));
  CHECK(bounds.high == island.high());
}

TEST_CASE("the red zone is left out where it cannot be read") {
  const Island island(1);
  ProbedStack stack;
  CHECK(stack.start(island.low()).low == island.low());
  CHECK(stack.start(island.high() - 8).low == island.high() - 8 - 128);
  CHECK(stack.start(island.high()).high == 0);
  CHECK(stack.start(island.low() + 4).high == 0);  // not aligned
}

TEST_CASE("a large stack is seen in steps, up to a limit") {
  const Island island(1024);
  ProbedStack stack;
  StackBounds bounds = stack.start(island.low());
  CHECK(bounds.high - bounds.low >= ProbedStack::kFirstBytes);
  CHECK(bounds.high - bounds.low <= ProbedStack::kFirstBytes + kPage);
  unsigned steps = 0;
  while (stack.grow(bounds)) ++steps;
  CHECK(steps >= 3);
  CHECK(bounds.high - bounds.low >= ProbedStack::kMostBytes);
  CHECK(bounds.high - bounds.low < 4 * ProbedStack::kMostBytes);
}

TEST_CASE("asking changes no signal mask") {
  sigset_t before;
  sigset_t after;
  sigset_t some;
  sigemptyset(&some);
  sigaddset(&some, SIGUSR2);
  sigprocmask(SIG_SETMASK, &some, &before);
  ProbedStack stack;
  const auto sp = reinterpret_cast<std::uint64_t>(&some) & ~std::uint64_t{7};
  CHECK(stack.start(sp).high != 0);
  sigprocmask(SIG_SETMASK, &before, &after);
  CHECK(sigismember(&after, SIGUSR2) == 1);
  CHECK(sigismember(&after, SIGUSR1) == 0);
}

}  // namespace otprof::unwind
