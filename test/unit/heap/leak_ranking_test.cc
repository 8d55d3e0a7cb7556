// SPDX-License-Identifier: Apache-2.0
#include "agent/heap/leak_ranking.h"

#include <catch2/catch.hpp>
#include <random>
#include <vector>

namespace {

using otprof::heap::LeakRanking;

constexpr std::uint64_t kSecond = 1'000'000'000;

// Samples of one stack that are alive at the end of a window, all of `bytes` each.
void add(LeakRanking& ranking, std::uint32_t stack, int count, double bytes, std::uint64_t time) {
  for (int i = 0; i < count; ++i) {
    ranking.add(stack, bytes, time);
  }
}

TEST_CASE("what grows from window to window ranks first, whatever else is larger") {
  constexpr std::uint32_t kLeak = 1;
  constexpr std::uint32_t kStatic = 2;
  constexpr std::uint32_t kCache = 3;
  LeakRanking ranking;
  for (std::uint64_t window = 1; window <= 3; ++window) {
    for (std::uint64_t w = 1; w <= window; ++w) {
      add(ranking, kLeak, 8, 1000, w * kSecond - 1);
    }
    add(ranking, kStatic, 500, 1000, kSecond / 2);
    add(ranking, kCache, 300, 1000, window * kSecond - 1);
    ranking.close_window(window * kSecond);
    if (window == 1) {
      CHECK(ranking.suspects().empty());
    }
  }
  REQUIRE(ranking.suspects().size() == 1);
  CHECK(ranking.suspects()[0].stack == kLeak);
  CHECK(ranking.suspects()[0].growth == 16'000);
  CHECK(ranking.horizon_ns() == kSecond);
}

TEST_CASE("of two leaks the faster ranks first; one that has ended is forgotten") {
  LeakRanking ranking;
  for (std::uint64_t window = 1; window <= 12; ++window) {
    for (std::uint64_t w = 1; w <= window; ++w) {
      add(ranking, 1, 10, 100, w * kSecond - 1);
      add(ranking, 2, 20, 100, w * kSecond - 1);
      add(ranking, 3, w <= 4 ? 40 : 0, 100, w * kSecond - 1);
    }
    ranking.close_window(window * kSecond);
    if (window == 3) {
      REQUIRE(ranking.suspects().size() == 3);
      CHECK(ranking.suspects()[0].stack == 3);
    }
  }
  REQUIRE(ranking.suspects().size() == 2);
  CHECK(ranking.suspects()[0].stack == 2);
  CHECK(ranking.suspects()[1].stack == 1);
}

TEST_CASE("neither one large block nor blocks that come and go by chance are suspects") {
  LeakRanking ranking;
  std::mt19937 random(1);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same in every run
  std::poisson_distribution<int> alive(30);
  int suspicions = 0;
  for (std::uint64_t window = 1; window <= 50; ++window) {
    add(ranking, 0, 1, 1e9, window * kSecond - 1);
    for (std::uint32_t stack = 1; stack <= 200; ++stack) {
      add(ranking, stack, alive(random), 1000, window * kSecond - 1);
    }
    ranking.close_window(window * kSecond);
    for (const auto& suspect : ranking.suspects()) {
      CHECK(suspect.stack != 0);
      ++suspicions;
    }
  }
  // Three standard deviations are passed upwards by 1.3 in a thousand.
  CHECK(suspicions < 50 * 200 * 3 / 1000);
}

TEST_CASE("a stack without live blocks at one moment is not new when they come back") {
  LeakRanking ranking;
  for (std::uint64_t window = 1; window <= 4; ++window) {
    add(ranking, 7, window % 2 == 1 ? 50 : 0, 1000, window * kSecond - 1);
    ranking.close_window(window * kSecond);
  }
  std::vector<std::uint32_t> stacks;
  ranking.for_each_stack([&](std::uint32_t stack) { stacks.push_back(stack); });
  CHECK(stacks == std::vector<std::uint32_t>{7});
  ranking.renumber({{7, 70}});
  add(ranking, 70, 50, 1000, 5 * kSecond - 1);
  ranking.close_window(5 * kSecond);
  CHECK(ranking.suspects().empty());
  for (std::uint64_t window = 6; window <= 6 + LeakRanking::kWindows; ++window) {
    ranking.close_window(window * kSecond);
  }
  ranking.for_each_stack([&](std::uint32_t) { FAIL("a stack is kept for ever"); });
}

}  // namespace
