// SPDX-License-Identifier: Apache-2.0
#include "tools/flame_json.h"

#include <unordered_map>
#include <vector>

#include "tools/flame_tree.h"
#include "tools/frames.h"
#include "tools/json.h"

namespace otprof::tools {
namespace {

// The strings of the document, each once, numbered in the order of first use.
class StringTable {
 public:
  std::int64_t intern(const std::string& text) {
    const auto [found, added] = index_.try_emplace(text, static_cast<std::int64_t>(texts_.size()));
    if (added) texts_.push_back(text);
    return found->second;
  }
  const std::vector<std::string>& texts() const { return texts_; }

 private:
  std::unordered_map<std::string, std::int64_t> index_;
  std::vector<std::string> texts_;
};

void write_profile(JsonWriter& json, const Recording& recording, const MergedProfile& profile,
                   FrameTable& frames, GroupTable& groups) {
  const std::vector<std::size_t> columns = recording.column_order(profile);
  const std::size_t shown = recording.shown_column(profile);
  const FlameTree tree = flame_tree(recording, profile, columns, frames, groups);
  json.begin_object();
  json.key("kind").text(profile.kind);
  json.key("types").begin_array();
  std::int64_t shown_place = 0;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const encoder::ValueType type = profile.types[columns[i]];
    json.begin_array();
    json.text(recording.dictionary().string(type.type));
    json.text(recording.dictionary().string(type.unit));
    json.end_array();
    if (columns[i] == shown) shown_place = static_cast<std::int64_t>(i);
  }
  json.end_array();
  json.key("shown").number(shown_place);
  json.key("start_ms").number(static_cast<std::int64_t>(profile.start_unix_nano / 1000000));
  json.key("end_ms").number(static_cast<std::int64_t>(profile.end_unix_nano / 1000000));
  json.key("period").number(profile.period);
  json.key("period_unit").text(recording.dictionary().string(profile.period_type.unit));
  json.key("up").begin_array();
  for (std::size_t node = 1; node < tree.nodes.size(); ++node) {
    json.number(static_cast<std::int64_t>(node - tree.nodes[node].parent));
  }
  json.end_array();
  json.key("frame").begin_array();
  for (std::size_t node = 1; node < tree.nodes.size(); ++node) {
    json.number(tree.nodes[node].frame);
  }
  json.end_array();
  json.key("rows").begin_array();
  for (const FlameTree::Row& row : tree.rows) {
    json.number(row.node).number(row.group);
    for (const std::int64_t value : row.values) json.number(value);
  }
  json.end_array();
  json.end_object();
}

}  // namespace

// {
//   title,
//   profiles: [{kind, types: [[type, unit]...], shown: index of the type to begin with,
//               start_ms, end_ms (unix, 0 if unknown), period, period_unit,
//               up: per node from 1 on, how far before it its parent stands (node 0 is the root),
//               frame: per node from 1 on, into frames,
//               rows: flat, per row: node, group, a value per type}],
//   frames: flat, per frame: name, module, file, into strings,
//   processes: [[name, pid, service]...], groups: [[process, thread name]...],
//   strings: [...]
// }
std::string flame_json(const Recording& recording, std::string_view title) {
  JsonWriter json;
  FrameTable frames(recording.dictionary());
  GroupTable groups;
  json.begin_object();
  json.key("title").text(title);
  json.key("profiles").begin_array();
  for (const MergedProfile& profile : recording.profiles()) {
    if (profile.types.empty()) continue;
    write_profile(json, recording, profile, frames, groups);
  }
  json.end_array();
  StringTable strings;
  json.key("frames").begin_array();
  for (std::uint32_t frame = 0; frame < frames.size(); ++frame) {
    json.number(strings.intern(frames[frame].name));
    json.number(strings.intern(frames[frame].module));
    json.number(strings.intern(frames[frame].file));
  }
  json.end_array();
  json.key("processes").begin_array();
  for (const Process& process : recording.processes()) {
    json.begin_array();
    json.text(process.executable.empty() ? process.service : process.executable);
    json.number(process.pid).text(process.service);
    json.end_array();
  }
  json.end_array();
  json.key("groups").begin_array();
  for (const Group& group : groups.groups()) {
    json.begin_array().number(group.process).text(group.thread).end_array();
  }
  json.end_array();
  json.key("strings").begin_array();
  for (const std::string& text : strings.texts()) json.text(text);
  json.end_array();
  json.end_object();
  return json.take();
}

}  // namespace otprof::tools
