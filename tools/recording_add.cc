// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "tools/recording.h"
#include "tools/translate.h"

namespace otprof::tools {
namespace {

using encoder::Dictionary;
using encoder::Index;
using encoder::Profile;

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

}  // namespace

// One call of add(): what is looked up once for all samples of a profile.
class Recording::Addition {
 public:
  Addition(Recording& recording, const Dictionary& from, const Profile& profile,
           const Process& process)
      : recording_(recording),
        from_(from),
        profile_(profile),
        process_(process),
        translator_(from, recording.dictionary_),
        to_(recording.merged(kind_of(from, profile))) {
    // The first mapping of a profile is the program itself, and stays the first.
    if (from.mappings().size() > 1) translator_.mapping(1);
    choose_columns();
    keep_times();
    if (to_.kind == "cpu") keep_facts();
  }

  void add_samples() {
    const std::size_t types = profile_.sample_types.size();
    for (std::size_t i = 0; i < profile_.samples.size(); ++i) {
      const encoder::Sample& sample = profile_.samples[i];
      const auto [who, set] = place(sample.attributes);
      const bool keeps_links = recording_.keep_ == Keep::kEverything;
      const std::size_t row = to_.rows.row({.stack = translator_.stack(sample.stack),
                                            .attributes = set,
                                            .link = keeps_links ? translator_.link(sample.link) : 0,
                                            .process = who});
      for (std::size_t type = 0; type < types; ++type) {
        const std::int64_t value = profile_.values[i * types + type];
        if (columns_[type].is_state && !takes_state(who, columns_[type].index)) continue;
        to_.rows.add(row, columns_[type].index, value);
        if (columns_[type].gives_cpu_time) {
          to_.rows.add(row, cpu_column_, saturating_multiply(value, profile_.period));
        }
      }
    }
  }

 private:
  struct Column {
    std::size_t index = 0;
    bool is_state = false;
    bool gives_cpu_time = false;  // value times period is a value of the cpu column
  };

  void choose_columns() {
    bool has_cpu = false;
    for (const encoder::ValueType type : profile_.sample_types) {
      const std::string_view name = from_.string(type.type);
      has_cpu = has_cpu || name == "cpu";
      columns_.push_back({.index = recording_.column(to_, translator_.value_type(type)),
                          .is_state = is_state(name)});
    }
    if (columns_.empty()) return;
    to_.default_type = static_cast<std::uint32_t>(columns_[profile_.default_type].index);
    if (to_.kind != "cpu" || has_cpu || profile_.period <= 0 ||
        from_.string(profile_.otlp_period_type.unit) != "nanoseconds") {
      return;
    }
    for (std::size_t type = 0; type < columns_.size(); ++type) {
      if (from_.string(profile_.sample_types[type].type) != "samples") continue;
      columns_[type].gives_cpu_time = true;
      Dictionary& dictionary = recording_.dictionary_;
      cpu_column_ = recording_.column(to_, {.type = dictionary.intern_string("cpu"),
                                            .unit = dictionary.intern_string("nanoseconds")});
    }
  }

  void keep_times() {
    if (to_.period == 0 && profile_.period > 0) {
      to_.period = profile_.period;
      to_.period_type = translator_.value_type(profile_.otlp_period_type);
    }
    const std::uint64_t start = profile_.time_unix_nano;
    if (start == 0) return;
    to_.start_unix_nano = to_.start_unix_nano == 0 ? start : std::min(to_.start_unix_nano, start);
    to_.end_unix_nano = std::max(to_.end_unix_nano, start + profile_.duration_nano);
  }

  // What the agent says of its own work in a window.
  void keep_facts() {
    for (const Index index : from_.attribute_sets()[profile_.attributes].attributes) {
      const encoder::Attribute& attribute = from_.attributes()[index];
      const std::string_view key = from_.string(attribute.key);
      const auto* number = std::get_if<std::int64_t>(&attribute.value);
      if (key == "otprof.samples.lost" && number != nullptr) {
        to_.samples_lost = saturating_add(to_.samples_lost, *number);
      } else if (key == "otprof.cpu.engine" && number == nullptr) {
        to_.engines.emplace(from_.string(std::get<Index>(attribute.value)));
      }
    }
  }

  // The process of a label set, and the set without what is kept elsewhere or not at all.
  std::pair<std::uint32_t, Index> place(Index set) {
    const auto [known, added] = places_.try_emplace(set);
    if (!added) return known->second;
    const std::optional<Process> labelled = labelled_process(from_, set);
    std::vector<Index> kept;
    for (const Index index : from_.attribute_sets()[set].attributes) {
      const std::string_view key = from_.string(from_.attributes()[index].key);
      if (labelled && is_process_label(key)) continue;
      if (recording_.keep_ == Keep::kEverything) kept.push_back(translator_.attribute(index));
    }
    Dictionary& dictionary = recording_.dictionary_;
    if (recording_.keep_ == Keep::kThreads) {
      const std::string thread = thread_of(from_, set);
      if (!thread.empty()) kept.push_back(dictionary.string_attribute("thread.name", thread));
      const std::string_view end = stack_end_of(from_, set);
      if (!end.empty()) kept.push_back(dictionary.string_attribute(kStackEndKey, end));
    }
    known->second = {recording_.process_index(labelled.value_or(process_)),
                     dictionary.intern_attribute_set(kept)};
    return known->second;
  }

  // The state a process is in replaces what earlier windows said of it, and yields to later ones.
  bool takes_state(std::uint32_t who, std::size_t column) {
    const auto [known, first_sample] = state_taken_.try_emplace({who, column}, true);
    if (!first_sample) return known->second;
    const std::uint64_t time = profile_.time_unix_nano;
    const auto [last, first_window] = to_.state_taken.try_emplace({who, column}, time);
    known->second = time >= last->second;
    if (time > last->second) {
      to_.rows.clear_column(who, column);
      last->second = time;
    }
    return known->second;
  }

  Recording& recording_;
  const Dictionary& from_;
  const Profile& profile_;
  const Process& process_;
  Translator translator_;
  MergedProfile& to_;
  std::vector<Column> columns_;
  std::size_t cpu_column_ = 0;
  std::map<Index, std::pair<std::uint32_t, Index>> places_;  // by label set
  std::map<std::pair<std::uint32_t, std::size_t>, bool> state_taken_;
};

void Recording::add(const Dictionary& from, const Profile& profile, const Process& process) {
  ++adds_;
  Addition(*this, from, profile, process).add_samples();
}

}  // namespace otprof::tools
