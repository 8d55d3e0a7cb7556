// SPDX-License-Identifier: Apache-2.0
#include "tools/function_totals.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>

namespace otprof::tools {

FunctionTotals function_totals(const MergedProfile& profile, std::size_t column,
                               FrameTable& frames) {
  // Many rows share a stack (threads, processes, spans).
  std::unordered_map<encoder::Index, std::int64_t> by_stack;
  for (std::size_t row = 0; row < profile.rows.size(); ++row) {
    const std::int64_t value = profile.rows.value(row, column);
    if (value == 0) continue;
    std::int64_t& sum = by_stack[profile.rows.key(row).stack];
    sum = saturating_add(sum, value);
  }

  FunctionTotals totals;
  std::vector<FunctionTotal> by_frame;
  std::vector<std::uint64_t> seen_in;  // by frame: the stack it was last counted for
  std::uint64_t stack_number = 0;
  for (const auto& [stack, value] : by_stack) {
    ++stack_number;
    totals.sum = saturating_add(totals.sum, value);
    const std::vector<std::uint32_t>& on_stack = frames.of_stack(stack);
    if (frames.size() > by_frame.size()) {
      by_frame.resize(frames.size());
      seen_in.resize(frames.size());
    }
    FunctionTotal& leaf = by_frame[on_stack.front()];
    leaf.self = saturating_add(leaf.self, value);
    for (const std::uint32_t frame : on_stack) {
      if (seen_in[frame] == stack_number) continue;
      seen_in[frame] = stack_number;
      by_frame[frame].total = saturating_add(by_frame[frame].total, value);
    }
  }

  for (std::uint32_t frame = 0; frame < by_frame.size(); ++frame) {
    by_frame[frame].frame = frame;
    if (seen_in[frame] != 0) totals.functions.push_back(by_frame[frame]);
  }
  std::ranges::sort(totals.functions, [&](const FunctionTotal& a, const FunctionTotal& b) {
    return std::tie(b.self, b.total, frames[a.frame].name, frames[a.frame].module) <
           std::tie(a.self, a.total, frames[b.frame].name, frames[b.frame].module);
  });
  return totals;
}

double percent(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace otprof::tools
