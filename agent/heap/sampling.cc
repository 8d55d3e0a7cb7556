// SPDX-License-Identifier: Apache-2.0
//
// Malloc hook side (next_random, draw_countdown). Calls allowed there: none.
#include "agent/heap/sampling.h"

#include <bit>

namespace otprof::heap {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr unsigned kFractionBits = 32;
constexpr std::uint64_t kLn2 = 2977044472;  // ln 2 in units of 2^-32

// -log2(u / 2^64) in units of 2^-32, for u >= 1. One squaring per bit of the fraction: squaring
// doubles the logarithm, and whether the result reaches 2 is its next bit.
std::uint64_t minus_log2(std::uint64_t u) noexcept {
  const auto zeros = static_cast<unsigned>(std::countl_zero(u));
  std::uint64_t mantissa = u << zeros;  // in [1, 2), in units of 2^-63
  std::uint64_t fraction = 0;
  for (unsigned i = 0; i < kFractionBits; ++i) {
    const Wide square = static_cast<Wide>(mantissa) * mantissa;  // in [1, 4), units of 2^-126
    const auto bit = static_cast<unsigned>(square >> 127U);
    mantissa = static_cast<std::uint64_t>(square >> (63U + bit));
    fraction = fraction << 1U | bit;
  }
  return (std::uint64_t{zeros + 1} << kFractionBits) - fraction;
}

// 1 - exp(-x) for 0 <= x < 0.5, by its series; the terms left out are below 1e-17 of the first.
double small_probability(double x) noexcept {
  double sum = 0;
  for (int n = 16; n >= 1; --n) {
    sum = x / n * (1 - sum);
  }
  return sum;
}

}  // namespace

std::uint64_t next_random(std::uint64_t& state) noexcept {
  state += 0x9e3779b97f4a7c15ULL;
  std::uint64_t z = state;
  z = (z ^ z >> 30U) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ z >> 27U) * 0x94d049bb133111ebULL;
  return z ^ z >> 31U;
}

std::uint64_t draw_countdown(std::uint64_t& state, std::uint64_t interval) noexcept {
  if (interval <= 1) {
    return 0;
  }
  const std::uint64_t random = next_random(state);
  const Wide x = static_cast<Wide>(minus_log2(random == 0 ? 1 : random)) * kLn2;  // 2^-64
  return static_cast<std::uint64_t>((x >> 32U) * interval >> 32U) + 1;
}

double sampling_probability(std::uint64_t size, std::uint64_t interval) noexcept {
  constexpr double kCertain = 40;  // exp(-40) is below the resolution of 1 - p
  if (interval <= 1) {
    return 1;
  }
  double x = static_cast<double>(size) / static_cast<double>(interval);
  if (x >= kCertain) {
    return 1;
  }
  unsigned halvings = 0;
  for (; x >= 0.5; x /= 2) {
    ++halvings;
  }
  // 1 - exp(-2x) = p (2 - p) with p = 1 - exp(-x).
  double p = small_probability(x);
  for (; halvings != 0; --halvings) {
    p *= 2 - p;
  }
  return p;
}

}  // namespace otprof::heap
