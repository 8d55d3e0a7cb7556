// SPDX-License-Identifier: Apache-2.0
//
// Which call stacks look like leaks. What is alive at one moment does not tell a leak from a cache; what
// tells them apart is that a leak grows window after window. So each stack's live bytes are compared
// with what they were some windows ago, and it ranks by the growth that chance cannot explain:
//
//   growth   = bytes that came and stayed - bytes that went
//   score    = (growth - 3 sqrt(sum of w^2)) * share of the windows in which it grew
//
// with w the bytes that each sample stands for, of the blocks that came and of those that went. The
// root is the standard deviation that the difference has by sampling and if blocks come and go
// independently; a single large block, or a busy site whose blocks all go again, scores nothing.
//
// The first window is what later ones are compared with: setting up is not growth.
// Memory: some 200 bytes per stack that had a live sample in the last windows. Background thread only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace otprof::heap {

struct LeakSuspect {
  std::uint32_t stack = 0;
  double growth = 0;  // bytes since `LeakRanking::horizon_ns()`
  double score = 0;   // > 0
};

class LeakRanking {
 public:
  // How many windows back a stack is compared with.
  static constexpr std::size_t kWindows = 5;

  // One live sample at the end of a window, standing for `bytes`.
  void add(std::uint32_t stack, double bytes, std::uint64_t allocated_ns);
  // All live samples have been added; ranks. Times are CLOCK_MONOTONIC.
  void close_window(std::uint64_t now_ns);

  // Highest score first; empty until the second window has ended.
  const std::vector<LeakSuspect>& suspects() const { return suspects_; }
  // What suspects() were compared with: the end of an earlier window. 0: nothing yet.
  std::uint64_t horizon_ns() const { return horizon_ns_; }

  // Stacks that must keep their number, or get another by renumber().
  template <typename Visit>
  void for_each_stack(Visit&& visit) const {
    for (const auto& [stack, history] : histories_) {
      visit(stack);
    }
  }
  void renumber(const std::unordered_map<std::uint32_t, std::uint32_t>& moved);

 private:
  struct State {
    double bytes = 0;
    double squares = 0;
  };
  struct History {
    State now;
    State survivors;                     // of `now`, those allocated before the horizon
    std::array<State, kWindows> past{};  // latest first
  };

  std::unordered_map<std::uint32_t, History> histories_;
  std::array<std::uint64_t, kWindows> ends_{};  // of the windows in `past`
  std::size_t windows_ = 0;                     // entries of `past` and `ends_` that count
  std::uint64_t horizon_ns_ = 0;
  std::vector<LeakSuspect> suspects_;
};

}  // namespace otprof::heap
