// SPDX-License-Identifier: Apache-2.0
#include "tools/share_changes.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "tools/frames.h"
#include "tools/function_totals.h"

namespace otprof::tools {
namespace {

using Shares = std::map<std::pair<std::string, std::string>, ShareChange>;

void add_shares(const Recording& recording, const MergedProfile& profile, const std::string& type,
                bool by_total, double ShareChange::*side, Shares& shares) {
  const int column = recording.column_of(profile, type);
  if (column < 0) return;
  FrameTable frames(recording.dictionary());
  const FunctionTotals totals = function_totals(profile, static_cast<std::size_t>(column), frames);
  for (const FunctionTotal& function : totals.functions) {
    const Frame& frame = frames[function.frame];
    ShareChange& change = shares[{frame.name, frame.module}];
    change.function = frame.name;
    change.module = frame.module;
    change.*side = percent(by_total ? function.total : function.self, totals.sum);
  }
}

}  // namespace

std::vector<ShareChange> share_changes(const Recording& before, const MergedProfile& before_profile,
                                       const Recording& after, const MergedProfile& after_profile,
                                       const std::string& type, bool by_total) {
  Shares shares;
  add_shares(before, before_profile, type, by_total, &ShareChange::before, shares);
  add_shares(after, after_profile, type, by_total, &ShareChange::after, shares);
  std::vector<ShareChange> changes;
  for (const auto& [key, change] : shares) changes.push_back(change);
  std::ranges::stable_sort(changes, std::greater(), [](const ShareChange& change) {
    return std::tuple(std::fabs(change.change()), change.after);
  });
  return changes;
}

}  // namespace otprof::tools
