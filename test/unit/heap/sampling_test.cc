// SPDX-License-Identifier: Apache-2.0
// The arithmetic of sampling against libm, and the distribution it yields.
#include "agent/heap/sampling.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

namespace {

using namespace otprof::heap;

TEST_CASE("the probability is exact at every size") {
  for (const std::uint64_t interval : {2ULL, 1000ULL, 16384ULL, 524288ULL, 1ULL << 40U}) {
    for (double ratio = 1e-11; ratio < 1e3; ratio *= 1.07) {
      const auto size = static_cast<std::uint64_t>(ratio * static_cast<double>(interval));
      if (size == 0) {
        continue;
      }
      const double exact = -std::expm1(-static_cast<double>(size) / static_cast<double>(interval));
      const double p = sampling_probability(size, interval);
      INFO("size " << size << " interval " << interval);
      REQUIRE(std::abs(p - exact) <= 1e-14 * exact);
      REQUIRE(p > 0);
      REQUIRE(p <= 1);
    }
  }
  CHECK(sampling_probability(0, 1) == 1);
  CHECK(sampling_probability(0, 2) == 0);
  CHECK(sampling_probability(1, 1) == 1);
  CHECK(sampling_probability(UINT64_MAX, 1ULL << 40U) == 1);
}

TEST_CASE("the logarithm is right everywhere, above all next to 0") {
  constexpr double kUnit = 1.0 / (1ULL << 48U);
  constexpr double kLeastError = 1.0 / (1ULL << 39U);
  const auto check = [](std::uint64_t u) {
    // Next to 2^64 a double cannot hold u: 2^64 - u it can.
    const double rest = static_cast<double>(~u) + 1;
    const double exact = u < 1ULL << 63U ? 64 - std::log2(static_cast<double>(u))
                                         : -std::log1p(-std::ldexp(rest, -64)) / std::log(2.0);
    const double got = static_cast<double>(minus_log2(u)) * kUnit;
    INFO("u " << u);
    REQUIRE(std::abs(got - exact) <= 1e-6 * exact + kLeastError);
  };
  for (std::uint64_t distance = 1; distance < UINT64_MAX / 2; distance += distance / 64 + 1) {
    check(~distance + 1);
    check(distance);
  }
  std::uint64_t state = 5;
  for (int i = 0; i < 100'000; ++i) {
    check(next_random(state) | 1U);
  }
  check(UINT64_MAX);
  check(1);
}

TEST_CASE("interval 1 samples everything, blocks of no bytes included") {
  std::uint64_t state = 7;
  for (int i = 0; i < 100; ++i) {
    CHECK(draw_countdown(state, 1) == 0);
  }
}

// P(draw <= s) is 1 - exp(-s/R) for every whole s: compared in 20 classes of equal probability by
// chi-squared. 19 degrees of freedom: above 43.8 with probability 0.001; the seed is fixed.
TEST_CASE("countdowns are exponentially distributed") {
  constexpr int kClasses = 20;
  constexpr int kDraws = 400'000;
  const std::uint64_t interval = GENERATE(1000ULL, 524288ULL, 1ULL << 40U);
  std::uint64_t state = 42;
  std::vector<int> seen(kClasses);
  double sum = 0;
  for (int i = 0; i < kDraws; ++i) {
    const std::uint64_t draw = draw_countdown(state, interval);
    REQUIRE(draw >= 1);
    sum += static_cast<double>(draw);
    // The draw was rounded up: the middle of its last byte stands for it.
    const double x = (static_cast<double>(draw) - 0.5) / static_cast<double>(interval);
    ++seen[static_cast<std::size_t>(std::min(kClasses - 1.0, -std::expm1(-x) * kClasses))];
  }
  double chi_squared = 0;
  for (const int count : seen) {
    const double expected = double{kDraws} / kClasses;
    chi_squared += (count - expected) * (count - expected) / expected;
  }
  CHECK(chi_squared < 43.8);
  // The mean of ceil(x) is R + 1/2 within R / sqrt(draws), three times.
  const double mean = sum / kDraws;
  CHECK(std::abs(mean - static_cast<double>(interval) - 0.5) <
        3 * static_cast<double>(interval) / std::sqrt(double{kDraws}));
}

TEST_CASE("sequences of neighbouring states are unrelated") {
  constexpr int kDraws = 100'000;
  std::uint64_t first = 1;
  std::uint64_t second = 2;
  int agreeing = 0;
  for (int i = 0; i < kDraws; ++i) {
    agreeing += (next_random(first) ^ next_random(second)) & 1U ? 0 : 1;
  }
  CHECK(std::abs(agreeing - kDraws / 2) < 3 * std::sqrt(double{kDraws}) / 2);
}

}  // namespace
