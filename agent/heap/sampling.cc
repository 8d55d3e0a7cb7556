// SPDX-License-Identifier: Apache-2.0
//
// Malloc hook side (next_random, draw_countdown). Calls allowed there: none.
#include "agent/heap/sampling.h"

#include <array>
#include <bit>

namespace otprof::heap {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr unsigned kLogBits = 48;
constexpr std::uint64_t kLn2 = 2977044472;  // ln 2 in units of 2^-32

// log2 of a mantissa in [1, 2), given in units of 2^-63. One squaring per bit: squaring doubles the
// logarithm, and whether the result reaches 2 is its next bit.
constexpr std::uint64_t log2_by_squaring(std::uint64_t mantissa) {
  std::uint64_t log = 0;
  for (unsigned i = 0; i < kLogBits; ++i) {
    const Wide square = static_cast<Wide>(mantissa) * mantissa;  // in [1, 4), units of 2^-126
    const auto bit = static_cast<unsigned>(square >> 127U);
    mantissa = static_cast<std::uint64_t>(square >> (63U + bit));
    log = log << 1U | bit;
  }
  return log;
}

// log2(1 + x) by a parabola through both ends and the middle of each of 256 intervals. As the ends
// are exact, the relative error is as small for the short countdowns that decide on small blocks
// as for all others.
constexpr unsigned kTableBits = 8;
struct LogTable {
  std::array<std::uint64_t, (1U << kTableBits) + 1> at{};
  std::array<std::uint64_t, 1U << kTableBits> bend{};  // above the chord: 4 times at its middle
};
constexpr LogTable make_log_table() {
  constexpr std::uint64_t kOne = std::uint64_t{1} << 63U;
  constexpr std::uint64_t kStep = kOne >> kTableBits;
  LogTable table;
  for (std::uint64_t i = 0; i < table.at.size() - 1; ++i) {
    table.at[i] = log2_by_squaring(kOne + i * kStep);
  }
  table.at.back() = std::uint64_t{1} << kLogBits;
  for (std::uint64_t i = 0; i < table.bend.size(); ++i) {
    const std::uint64_t middle = log2_by_squaring(kOne + i * kStep + kStep / 2);
    table.bend[i] = 4 * middle - 2 * (table.at[i] + table.at[i + 1]);
  }
  return table;
}
constexpr LogTable kLogTable = make_log_table();

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

std::uint64_t minus_log2(std::uint64_t u) noexcept {
  const auto zeros = static_cast<unsigned>(std::countl_zero(u));
  const std::uint64_t fraction = u << zeros << 1U;  // of the mantissa, units of 2^-64
  const auto interval = static_cast<std::size_t>(fraction >> (64U - kTableBits));
  const std::uint64_t t = fraction << kTableBits >> 32U;  // within the interval, units of 2^-32
  const std::uint64_t low = kLogTable.at[interval];
  const std::uint64_t rise = kLogTable.at[interval + 1] - low;
  const std::uint64_t parabola = t * ((std::uint64_t{1} << 32U) - t) >> 32U;  // t (1 - t)
  const std::uint64_t log =
      low + static_cast<std::uint64_t>(static_cast<Wide>(rise) * t >> 32U) +
      static_cast<std::uint64_t>(static_cast<Wide>(kLogTable.bend[interval]) * parabola >> 32U);
  return (std::uint64_t{zeros + 1} << kLogBits) - log;
}

std::uint64_t draw_countdown(std::uint64_t& state, std::uint64_t interval) noexcept {
  if (interval <= 1) {
    return 0;
  }
  const std::uint64_t random = next_random(state);
  // Exponentially distributed with mean 1, in units of 2^-48.
  const Wide x = static_cast<Wide>(minus_log2(random == 0 ? 1 : random)) * kLn2 >> 32U;
  return static_cast<std::uint64_t>(x * interval >> kLogBits) + 1;
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
  while (x >= 0.5) {
    x /= 2;
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
