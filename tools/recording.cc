// SPDX-License-Identifier: Apache-2.0
#include "tools/recording.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>

#include "tools/translate.h"

namespace otprof::tools {
namespace {

using encoder::Attribute;
using encoder::Dictionary;
using encoder::Index;
using encoder::Profile;

// How different writers label a sample's thread.
constexpr std::array<std::string_view, 3> kThreadNames = {"thread.name", "thread name",
                                                          "thread_name"};
constexpr std::array<std::string_view, 3> kThreadIds = {"thread.id", "thread id", "thread_id"};
constexpr std::string_view kPidKey = "process.pid";
constexpr std::string_view kExecutableKey = "process.executable.name";

constexpr std::array<std::string_view, 6> kTypeOrder = {
    "samples", "cpu", "alloc_objects", "alloc_space", "inuse_objects", "inuse_space"};

template <std::size_t N>
bool is_any(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

bool is_state(std::string_view type) { return type.starts_with("inuse_"); }

bool is_heap(std::string_view type) {
  return is_state(type) || type.starts_with("alloc_") || type.starts_with("allocated_") ||
         type == "objects" || type == "space";
}

std::string kind_of(const Dictionary& dictionary, const Profile& profile) {
  const std::string_view period = dictionary.string(profile.otlp_period_type.type);
  for (const encoder::ValueType type : profile.sample_types) {
    const std::string_view name = dictionary.string(type.type);
    if (name == "cpu" || (name == "samples" && period == "cpu")) return "cpu";
    if (is_heap(name)) return "heap";
  }
  if (profile.sample_types.empty()) return "empty";
  const std::string_view name = dictionary.string(profile.sample_types.back().type);
  return std::string(name == "samples" && !period.empty() ? period : name);
}

int rank_of_kind(std::string_view kind) { return kind == "cpu" ? 0 : kind == "heap" ? 1 : 2; }

std::int64_t to_number(const Dictionary& dictionary, const Attribute& attribute) {
  if (const auto* number = std::get_if<std::int64_t>(&attribute.value)) return *number;
  std::int64_t value = 0;
  for (const char c : dictionary.string(std::get<Index>(attribute.value))) {
    if (c < '0' || c > '9' || value > INT32_MAX) return 0;
    value = value * 10 + (c - '0');
  }
  return value;
}

std::string to_text(const Dictionary& dictionary, const Attribute& attribute) {
  if (const Index* text = std::get_if<Index>(&attribute.value)) {
    return std::string(dictionary.string(*text));
  }
  return std::to_string(std::get<std::int64_t>(attribute.value));
}

// The process that a merged file names in the labels of a sample.
std::optional<Process> labelled_process(const Dictionary& dictionary, Index set) {
  Process process;
  for (const Index index : dictionary.attribute_sets()[set].attributes) {
    const Attribute& attribute = dictionary.attributes()[index];
    const std::string_view key = dictionary.string(attribute.key);
    if (key == kPidKey) process.pid = to_number(dictionary, attribute);
    if (key == kExecutableKey) process.executable = to_text(dictionary, attribute);
  }
  if (process.pid == 0) return std::nullopt;
  return process;
}

}  // namespace

Process process_of(const encoder::Resource& resource) {
  Process process;
  for (const encoder::LiteralAttribute& attribute : resource.attributes) {
    const auto* text = std::get_if<std::string>(&attribute.value);
    if (attribute.key == kPidKey) {
      const auto* number = std::get_if<std::int64_t>(&attribute.value);
      if (number != nullptr) process.pid = *number;
    } else if (text == nullptr) {
      continue;
    } else if (attribute.key == "service.name") {
      process.service = *text;
    } else if (attribute.key == "service.instance.id") {
      process.instance = *text;
    } else if (attribute.key == kExecutableKey) {
      process.executable = *text;
    }
  }
  return process;
}

std::string thread_of(const Dictionary& dictionary, Index set) {
  std::string id;
  for (const Index index : dictionary.attribute_sets()[set].attributes) {
    const Attribute& attribute = dictionary.attributes()[index];
    const std::string_view key = dictionary.string(attribute.key);
    if (is_any(kThreadNames, key)) return to_text(dictionary, attribute);
    if (is_any(kThreadIds, key)) id = to_text(dictionary, attribute);
  }
  return id;
}

void Recording::add(const Dictionary& from, const Profile& profile, const Process& process) {
  ++adds_;
  MergedProfile& to = merged(kind_of(from, profile));
  Translator translator(from, dictionary_);
  std::vector<std::size_t> columns;
  int samples_column = -1;
  bool has_cpu = to.kind != "cpu" || from.string(profile.otlp_period_type.unit) != "nanoseconds" ||
                 profile.period <= 0;
  for (const encoder::ValueType type : profile.sample_types) {
    columns.push_back(column(to, translator.value_type(type)));
    const std::string_view name = from.string(type.type);
    if (name == "cpu") has_cpu = true;
    if (name == "samples") samples_column = static_cast<int>(columns.size() - 1);
  }
  std::size_t cpu_column = 0;
  if (!has_cpu && samples_column >= 0) {
    cpu_column = column(to, {.type = dictionary_.intern_string("cpu"),
                             .unit = dictionary_.intern_string("nanoseconds")});
  }
  if (to.period == 0 && profile.period > 0) {
    to.period = profile.period;
    to.period_type = translator.value_type(profile.otlp_period_type);
  }
  if (profile.time_unix_nano != 0) {
    if (to.start_unix_nano == 0) to.start_unix_nano = profile.time_unix_nano;
    to.start_unix_nano = std::min(to.start_unix_nano, profile.time_unix_nano);
    to.end_unix_nano = std::max(to.end_unix_nano, profile.time_unix_nano + profile.duration_nano);
  }
  if (!profile.sample_types.empty()) {
    to.default_type = static_cast<std::uint32_t>(columns[profile.default_type]);
  }

  // The state a process is in replaces what an earlier window said of it.
  std::map<std::pair<std::uint32_t, std::size_t>, bool> taken;
  const auto takes_state = [&](std::uint32_t who, std::size_t column) {
    const auto [known, first_sample] = taken.try_emplace({who, column}, true);
    if (!first_sample) return known->second;
    const auto [last, first_time] = to.state_taken.try_emplace({who, column}, 0);
    known->second = first_time || profile.time_unix_nano >= last->second;
    if (profile.time_unix_nano > last->second) {
      to.rows.clear_column(who, column);
      last->second = profile.time_unix_nano;
    }
    return known->second;
  };

  std::map<Index, std::pair<std::uint32_t, Index>> sets;  // set -> process, set kept
  const auto place = [&](Index set) -> const std::pair<std::uint32_t, Index>& {
    const auto [known, added] = sets.try_emplace(set);
    if (!added) return known->second;
    const std::optional<Process> labelled = labelled_process(from, set);
    std::vector<Index> kept;
    for (const Index index : from.attribute_sets()[set].attributes) {
      const std::string_view key = from.string(from.attributes()[index].key);
      if (labelled && (key == kPidKey || key == kExecutableKey)) continue;
      const bool of_thread = is_any(kThreadNames, key) || is_any(kThreadIds, key);
      if (keep_ == Keep::kThreads && !of_thread) continue;
      kept.push_back(translator.attribute(index));
    }
    const Index kept_set = dictionary_.intern_attribute_set(kept);
    known->second = {process_index(labelled.value_or(process)), kept_set};
    return known->second;
  };

  const std::size_t types = profile.sample_types.size();
  for (std::size_t i = 0; i < profile.samples.size(); ++i) {
    const encoder::Sample& sample = profile.samples[i];
    const auto& [who, set] = place(sample.attributes);
    const Index link = keep_ == Keep::kThreads ? 0 : translator.link(sample.link);
    const std::size_t row = to.rows.row(
        {.stack = translator.stack(sample.stack), .attributes = set, .link = link, .process = who});
    for (std::size_t type = 0; type < types; ++type) {
      const std::int64_t value = profile.values[i * types + type];
      const std::string_view name = from.string(profile.sample_types[type].type);
      if (is_state(name) && !takes_state(who, columns[type])) continue;
      to.rows.add(row, columns[type], value);
      if (!has_cpu && static_cast<int>(type) == samples_column) {
        to.rows.add(row, cpu_column, saturating_multiply(value, profile.period));
      }
    }
  }
}

const MergedProfile* Recording::find(std::string_view kind) const {
  const auto found = std::ranges::find(profiles_, kind, &MergedProfile::kind);
  return found == profiles_.end() ? nullptr : &*found;
}

MergedProfile& Recording::merged(std::string_view kind) {
  const auto found = std::ranges::find(profiles_, kind, &MergedProfile::kind);
  if (found != profiles_.end()) return *found;
  MergedProfile added;
  added.kind = kind;
  const auto place = std::ranges::upper_bound(profiles_, rank_of_kind(kind), {},
                                              [](const MergedProfile& p) { return rank_of_kind(p.kind); });
  return *profiles_.insert(place, std::move(added));
}

std::uint32_t Recording::process_index(const Process& process) {
  const auto [found, added] =
      process_index_.try_emplace(process, static_cast<std::uint32_t>(processes_.size()));
  if (added) {
    processes_.push_back(process);
    last_heard_.push_back(0);
  }
  last_heard_[found->second] = adds_;
  return found->second;
}

std::size_t Recording::column(MergedProfile& merged, encoder::ValueType type) const {
  const auto same = [&](encoder::ValueType known) {
    return known.type == type.type && known.unit == type.unit;
  };
  const auto found = std::ranges::find_if(merged.types, same);
  if (found == merged.types.end()) {
    merged.types.push_back(type);
    return merged.types.size() - 1;
  }
  return static_cast<std::size_t>(found - merged.types.begin());
}

std::vector<std::size_t> Recording::column_order(const MergedProfile& profile) const {
  std::vector<std::size_t> order(profile.types.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t column) {
    const std::string_view name = dictionary_.string(profile.types[column].type);
    return std::ranges::find(kTypeOrder, name) - kTypeOrder.begin();
  });
  return order;
}

int Recording::column_of(const MergedProfile& profile, std::string_view type) const {
  for (std::size_t column = 0; column < profile.types.size(); ++column) {
    if (dictionary_.string(profile.types[column].type) == type) return static_cast<int>(column);
  }
  return -1;
}

std::size_t Recording::shown_column(const MergedProfile& profile) const {
  std::vector<std::size_t> candidates;
  for (const std::string_view name : {"cpu", "inuse_space", "alloc_space"}) {
    const int column = column_of(profile, name);
    if (column >= 0) candidates.push_back(static_cast<std::size_t>(column));
  }
  candidates.push_back(profile.default_type);
  for (const std::size_t column : column_order(profile)) candidates.push_back(column);
  for (const std::size_t column : candidates) {
    for (std::size_t row = 0; row < profile.rows.size(); ++row) {
      if (profile.rows.value(row, column) != 0) return column;
    }
  }
  return candidates.front();
}

Profile Recording::to_profile(const MergedProfile& merged) {
  Profile profile;
  const std::vector<std::size_t> order = column_order(merged);
  for (const std::size_t column : order) {
    if (column == merged.default_type) {
      profile.default_type = static_cast<std::uint32_t>(profile.sample_types.size());
    }
    profile.sample_types.push_back(merged.types[column]);
  }
  const int cpu = column_of(merged, "cpu");
  for (std::uint32_t type = 0; type < order.size(); ++type) {
    if (cpu >= 0 && order[type] == static_cast<std::size_t>(cpu)) profile.default_type = type;
  }
  profile.pprof_period_type = merged.period_type;
  profile.otlp_period_type = merged.period_type;
  profile.period = merged.period;
  profile.time_unix_nano = merged.start_unix_nano;
  profile.duration_nano = merged.end_unix_nano - merged.start_unix_nano;
  for (std::size_t row = 0; row < merged.rows.size(); ++row) {
    const SampleRows::Key& key = merged.rows.key(row);
    std::vector<std::int64_t> values;
    for (const std::size_t column : order) values.push_back(merged.rows.value(row, column));
    // What was in use once and no longer is.
    if (std::ranges::all_of(values, [](std::int64_t value) { return value == 0; })) continue;
    Index set = key.attributes;
    if (processes_.size() > 1) {
      const Process& process = processes_[key.process];
      const auto known = dictionary_.attribute_sets()[set].attributes;
      std::vector<Index> attributes(known.begin(), known.end());
      attributes.push_back(dictionary_.int_attribute(kPidKey, process.pid));
      if (!process.executable.empty()) {
        attributes.push_back(dictionary_.string_attribute(kExecutableKey, process.executable));
      }
      set = dictionary_.intern_attribute_set(attributes);
    }
    profile.samples.push_back({.stack = key.stack, .attributes = set, .link = key.link});
    profile.values.insert(profile.values.end(), values.begin(), values.end());
  }
  return profile;
}

std::size_t Recording::memory_bytes() const {
  constexpr std::size_t kRowBytes = 3 * sizeof(SampleRows::Key) + 4 * sizeof(void*);
  std::size_t bytes = dictionary_.memory_bytes();
  for (const MergedProfile& profile : profiles_) {
    bytes += profile.rows.size() * (kRowBytes + profile.rows.columns() * sizeof(std::int64_t));
  }
  return bytes;
}

std::size_t Recording::trim(std::size_t limit) {
  if (memory_bytes() <= limit) return 0;
  std::vector<std::uint32_t> oldest(processes_.size());
  std::iota(oldest.begin(), oldest.end(), 0U);
  std::ranges::sort(oldest, {}, [&](std::uint32_t process) { return last_heard_[process]; });
  std::vector<bool> forgotten(processes_.size());
  std::size_t count = 0;
  // Half of what is left each time: few rebuilds, and the newest go last.
  while (memory_bytes() > limit && count < oldest.size()) {
    const std::size_t more = (oldest.size() - count + 1) / 2;
    for (std::size_t i = 0; i < more; ++i) forgotten[oldest[count + i]] = true;
    count += more;
    Recording smaller = without(forgotten);
    if (smaller.memory_bytes() <= limit || count == oldest.size()) {
      *this = std::move(smaller);
      return count;
    }
  }
  return count;
}

Recording Recording::without(const std::vector<bool>& forgotten) const {
  Recording kept(keep_);
  Translator translator(dictionary_, kept.dictionary_);
  kept.adds_ = adds_;
  std::vector<std::uint32_t> renumbered(processes_.size());
  for (std::uint32_t process = 0; process < processes_.size(); ++process) {
    if (forgotten[process]) continue;
    renumbered[process] = kept.process_index(processes_[process]);
    kept.last_heard_[renumbered[process]] = last_heard_[process];
  }
  for (const MergedProfile& profile : profiles_) {
    MergedProfile& to = kept.merged(profile.kind);
    for (const encoder::ValueType type : profile.types) {
      to.types.push_back(translator.value_type(type));
    }
    to.default_type = profile.default_type;
    to.period = profile.period;
    to.period_type = translator.value_type(profile.period_type);
    to.start_unix_nano = profile.start_unix_nano;
    to.end_unix_nano = profile.end_unix_nano;
    for (const auto& [key, time] : profile.state_taken) {
      if (!forgotten[key.first]) to.state_taken[{renumbered[key.first], key.second}] = time;
    }
    for (std::size_t row = 0; row < profile.rows.size(); ++row) {
      SampleRows::Key key = profile.rows.key(row);
      if (forgotten[key.process]) continue;
      std::vector<Index> attributes;
      for (const Index index : dictionary_.attribute_sets()[key.attributes].attributes) {
        attributes.push_back(translator.attribute(index));
      }
      key.process = renumbered[key.process];
      key.stack = translator.stack(key.stack);
      key.link = translator.link(key.link);
      key.attributes = kept.dictionary_.intern_attribute_set(attributes);
      const std::size_t kept_row = to.rows.row(key);
      for (std::size_t column = 0; column < profile.types.size(); ++column) {
        to.rows.add(kept_row, column, profile.rows.value(row, column));
      }
    }
  }
  return kept;
}

}  // namespace otprof::tools
