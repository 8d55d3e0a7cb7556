// SPDX-License-Identifier: Apache-2.0
//
// What taking samples costs the threads they are taken of, counted where it is spent.
// count(): signal handlers and malloc hooks; the rest: any thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace otprof::agent {

class SampleMeter {
 public:
  struct Reading {
    std::uint64_t samples = 0;
    std::uint64_t spent_ns = 0;
    std::uint64_t slow = 0;
  };

  // Samples that take longer are slow.
  void set_limit(std::uint64_t ns) noexcept { limit_.store(ns, std::memory_order_relaxed); }
  // Time is elapsed time: no other clock can be read without a system call. So a thread that lost
  // its CPU meanwhile seems to have spent all of that; it is counted up to a millisecond.
  void count(std::uint64_t elapsed_ns) noexcept {
    constexpr std::uint64_t kMostCounted = 1'000'000;
    constexpr auto kOrder = std::memory_order_relaxed;
    samples_.fetch_add(1, kOrder);
    spent_.fetch_add(std::min(elapsed_ns, kMostCounted), kOrder);
    if (elapsed_ns > limit_.load(kOrder)) {
      slow_.fetch_add(1, kOrder);
    }
  }
  Reading read() const noexcept {
    constexpr auto kOrder = std::memory_order_relaxed;
    return {samples_.load(kOrder), spent_.load(kOrder), slow_.load(kOrder)};
  }

 private:
  std::atomic<std::uint64_t> samples_{0};
  std::atomic<std::uint64_t> spent_{0};
  std::atomic<std::uint64_t> slow_{0};
  std::atomic<std::uint64_t> limit_{~std::uint64_t{0}};
};

}  // namespace otprof::agent
