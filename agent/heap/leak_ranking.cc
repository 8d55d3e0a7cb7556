// SPDX-License-Identifier: Apache-2.0
#include "agent/heap/leak_ranking.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace otprof::heap {
namespace {

// Newton's method from above: falls until it is there. No libm in every process for one root.
double square_root(double value) noexcept {
  if (value <= 0) {
    return 0;
  }
  double root = value < 1 ? 1 : value;
  while (true) {
    const double next = (root + value / root) / 2;
    if (next >= root) {
      break;
    }
    root = next;
  }
  return root;
}

}  // namespace

void LeakRanking::add(std::uint32_t stack, double bytes, std::uint64_t allocated_ns) {
  History& history = histories_[stack];
  history.now.bytes += bytes;
  history.now.squares += bytes * bytes;
  if (windows_ != 0 && allocated_ns <= ends_[windows_ - 1]) {
    history.survivors.bytes += bytes;
    history.survivors.squares += bytes * bytes;
  }
}

void LeakRanking::close_window(std::uint64_t now_ns) {
  suspects_.clear();
  horizon_ns_ = windows_ == 0 ? 0 : ends_[windows_ - 1];
  for (auto& [stack, history] : histories_) {
    if (windows_ != 0) {
      const State& base = history.past[windows_ - 1];
      // Samples that were thinned out stand for more bytes than before: less than nothing may be gone.
      const double gone_squares = std::max(0.0, base.squares - history.survivors.squares);
      const double came_squares = history.now.squares - history.survivors.squares;
      const double growth = history.now.bytes - base.bytes;
      std::size_t rises = 0;
      double later = history.now.bytes;
      for (std::size_t i = 0; i < windows_; ++i) {
        rises += later > history.past[i].bytes ? 1U : 0U;
        later = history.past[i].bytes;
      }
      const double score = (growth - 3 * square_root(came_squares + gone_squares)) *
                           static_cast<double>(rises) / static_cast<double>(windows_);
      if (score > 0) {
        suspects_.push_back({.stack = stack, .growth = growth, .score = score});
      }
    }
    std::move_backward(history.past.begin(), history.past.end() - 1, history.past.end());
    history.past[0] = std::exchange(history.now, {});
    history.survivors = {};
  }
  std::move_backward(ends_.begin(), ends_.end() - 1, ends_.end());
  ends_[0] = now_ns;
  windows_ = std::min(windows_ + 1, kWindows);
  std::erase_if(histories_, [](const auto& entry) {
    return std::ranges::all_of(entry.second.past,
                               [](const State& state) { return state.bytes == 0; });
  });
  std::ranges::sort(suspects_, std::greater(), &LeakSuspect::score);
}

void LeakRanking::renumber(const std::unordered_map<std::uint32_t, std::uint32_t>& moved) {
  std::unordered_map<std::uint32_t, History> renumbered;
  for (const auto& [stack, history] : histories_) {
    renumbered.emplace(moved.at(stack), history);
  }
  histories_ = std::move(renumbered);
  for (LeakSuspect& suspect : suspects_) {
    suspect.stack = moved.at(suspect.stack);
  }
}

}  // namespace otprof::heap
