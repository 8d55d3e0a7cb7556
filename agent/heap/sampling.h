// SPDX-License-Identifier: Apache-2.0
//
// The arithmetic of Poisson sampling by bytes. Every byte the program allocates is hit with the same
// small probability 1/R, independently of all others; an allocation is sampled when one of its bytes
// is hit. The distance to the next hit is exponentially distributed with mean R ("interval"), so an
// allocation of S bytes is sampled with probability p = 1 - exp(-S/R), and each sample stands for
// S/p bytes and 1/p objects: unbiased at every size (Horvitz-Thompson).
//
// draw_countdown() and next_random() may be called from a malloc hook: integers only, because a
// program may look at the floating-point exception flags, or have unmasked them. No libm anywhere:
// it would be one more library in every process.
#pragma once

#include <cstddef>
#include <cstdint>

namespace otprof::heap {

inline constexpr std::uint64_t kLongestInterval = std::uint64_t{1} << 40U;  // bytes

// SplitMix64 (Steele, Lea, Flood 2014): any state is a good one, and states that differ in any way
// give unrelated sequences.
std::uint64_t next_random(std::uint64_t& state) noexcept;

// -log2(u / 2^64) for u >= 1, in units of 2^-48. The error is below 1e-6 of the result, small results
// included, or 2^-39.
std::uint64_t minus_log2(std::uint64_t u) noexcept;

// Bytes until the next hit: the allocation that brings the count to 0 or below is sampled. At least
// 1 for an interval above 1. For interval 1 it is 0: each allocation is sampled, also one of 0 bytes.
// Rounded up to whole bytes, which keeps p exact: an allocation of S whole bytes reaches ceil(x) if
// and only if it reaches x. `interval` 1 .. 2^40. Relative error of the distribution below 1e-6.
std::uint64_t draw_countdown(std::uint64_t& state, std::uint64_t interval) noexcept;

// p as above, relative error below 1e-14; 1 for interval 1. For size 0 and a longer interval 0: such
// an allocation is never sampled. Background thread only.
double sampling_probability(std::uint64_t size, std::uint64_t interval) noexcept;

}  // namespace otprof::heap
