// SPDX-License-Identifier: Apache-2.0
//
// The call tree of a profile: one node per distinct path from the outermost function, and what each
// thread of each process has at each node itself. Stacks that were cut off stand below a node that
// says so, since their outermost function is not that of a thread. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tools/frames.h"
#include "tools/recording.h"

namespace otprof::tools {

// One thread of one process; threads of a process that share a name are one group.
struct Group {
  std::uint32_t process = 0;  // into Recording::processes()
  std::string thread;         // empty if unknown
  auto operator<=>(const Group&) const = default;
};

class GroupTable {
 public:
  std::uint32_t intern(const Group& group);
  const std::vector<Group>& groups() const { return groups_; }

 private:
  std::map<Group, std::uint32_t> index_;
  std::vector<Group> groups_;
};

struct FlameTree {
  struct Node {
    std::uint32_t parent = 0;
    std::uint32_t frame = 0;
  };
  // What ended at a node itself, in one group: a value for each of the columns asked for.
  struct Row {
    std::uint32_t node = 0;
    std::uint32_t group = 0;
    std::vector<std::int64_t> values;
  };
  std::vector<Node>
      nodes;              // node 0 is the root, which has no frame; a parent precedes its children
  std::vector<Row> rows;  // at most one per {node, group}, none that is all zero
};

FlameTree flame_tree(const Recording& recording, const MergedProfile& profile,
                     const std::vector<std::size_t>& columns, FrameTable& frames,
                     GroupTable& groups);

}  // namespace otprof::tools
