// SPDX-License-Identifier: Apache-2.0
#include "tools/flame_tree.h"

#include <algorithm>

namespace otprof::tools {
namespace {

using encoder::Index;

// Two table indices as one key.
std::uint64_t pair_key(std::uint32_t high, std::uint32_t low) {
  return (std::uint64_t{high} << 32U) | low;
}

class TreeBuilder {
 public:
  explicit TreeBuilder(FrameTable& frames) : frames_(frames) { tree_.nodes.emplace_back(); }

  // The node of a stack that begins below the node `base`.
  std::uint32_t node_of(Index stack, std::uint32_t base) {
    const auto [known, added] = by_stack_.try_emplace(pair_key(base, stack), 0);
    if (!added) return known->second;
    const std::vector<std::uint32_t>& on_stack = frames_.of_stack(stack);
    std::uint32_t node = base;
    for (auto frame = on_stack.rbegin(); frame != on_stack.rend(); ++frame) {
      node = child(node, *frame);
    }
    return known->second = node;
  }

  std::uint32_t child(std::uint32_t node, std::uint32_t frame) {
    const auto next = static_cast<std::uint32_t>(tree_.nodes.size());
    const auto [known, is_new] = children_.try_emplace(pair_key(node, frame), next);
    if (is_new) tree_.nodes.push_back({.parent = node, .frame = frame});
    return known->second;
  }

  void add(std::uint32_t node, std::uint32_t group, const std::vector<std::int64_t>& values) {
    const auto [known, added] = row_of_.try_emplace(pair_key(node, group), tree_.rows.size());
    if (added) {
      tree_.rows.push_back({.node = node, .group = group, .values = values});
      return;
    }
    std::vector<std::int64_t>& sums = tree_.rows[known->second].values;
    std::ranges::transform(sums, values, sums.begin(), saturating_add);
  }

  FlameTree take() { return std::move(tree_); }

 private:
  FrameTable& frames_;
  FlameTree tree_;
  std::unordered_map<std::uint64_t, std::uint32_t> by_stack_;
  std::unordered_map<std::uint64_t, std::uint32_t> children_;
  std::unordered_map<std::uint64_t, std::size_t> row_of_;
};

}  // namespace

std::uint32_t GroupTable::intern(const Group& group) {
  const auto [found, added] = index_.try_emplace(group, static_cast<std::uint32_t>(groups_.size()));
  if (added) groups_.push_back(group);
  return found->second;
}

FlameTree flame_tree(const Recording& recording, const MergedProfile& profile,
                     const std::vector<std::size_t>& columns, FrameTable& frames,
                     GroupTable& groups) {
  TreeBuilder builder(frames);
  // What a process and a set of labels mean for a row.
  struct Place {
    std::uint32_t group = 0;
    std::uint32_t base = 0;
  };
  std::unordered_map<std::uint64_t, Place> places;
  const encoder::Dictionary& dictionary = recording.dictionary();
  for (std::size_t row = 0; row < profile.rows.size(); ++row) {
    std::vector<std::int64_t> values;
    for (const std::size_t column : columns) values.push_back(profile.rows.value(row, column));
    if (std::ranges::all_of(values, [](std::int64_t value) { return value == 0; })) continue;
    const SampleRows::Key& key = profile.rows.key(row);
    const auto [place, added] = places.try_emplace(pair_key(key.process, key.attributes));
    if (added) {
      place->second.group =
          groups.intern({.process = key.process, .thread = thread_of(dictionary, key.attributes)});
      const std::string_view end = stack_end_of(dictionary, key.attributes);
      if (!end.empty()) place->second.base = builder.child(0, frames.cut_off(end));
    }
    builder.add(builder.node_of(key.stack, place->second.base), place->second.group, values);
  }
  return builder.take();
}

}  // namespace otprof::tools
