// SPDX-License-Identifier: Apache-2.0
#include "tools/recording.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "tools/translate.h"

namespace otprof::tools {
namespace {

using encoder::Dictionary;
using encoder::Index;
using encoder::Profile;

constexpr std::array<std::string_view, 6> kTypeOrder = {
    "samples", "cpu", "alloc_objects", "alloc_space", "inuse_objects", "inuse_space"};

int rank_of_kind(std::string_view kind) { return kind == "cpu" ? 0 : kind == "heap" ? 1 : 2; }

}  // namespace

const MergedProfile* Recording::find(std::string_view kind) const {
  const auto found = std::ranges::find(profiles_, kind, &MergedProfile::kind);
  return found == profiles_.end() ? nullptr : &*found;
}

MergedProfile& Recording::merged(std::string_view kind) {
  const auto found = std::ranges::find(profiles_, kind, &MergedProfile::kind);
  if (found != profiles_.end()) return *found;
  MergedProfile added;
  added.kind = kind;
  const auto place =
      std::ranges::upper_bound(profiles_, rank_of_kind(kind), {},
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
  if (processes_.size() == 1) {
    for (const std::string& line : process_comments(processes_.front())) {
      profile.comments.push_back(dictionary_.intern_string(line));
    }
  }
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
      const std::vector<Index> labels = process_labels(dictionary_, process);
      attributes.insert(attributes.end(), labels.begin(), labels.end());
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
    to.engines = profile.engines;
    to.samples_lost = profile.samples_lost;
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
