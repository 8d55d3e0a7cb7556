// SPDX-License-Identifier: Apache-2.0
#include "tools/read_pprof.h"

#include <algorithm>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "encoder/attribute_keys.h"
#include "tools/hex.h"
#include "tools/input_error.h"
#include "tools/sample_rows.h"
#include "tools/wire_reader.h"

namespace otprof::tools {
namespace {

using encoder::Dictionary;
using encoder::Index;
using encoder::Profile;

// The parts of a Profile message as views; fields may come in any order, so nothing can be resolved
// before all were seen.
struct RawProfile {
  std::vector<std::string_view> sample_types, samples, mappings, locations, functions, strings;
  std::string_view period_type;
  std::vector<std::uint64_t> comments;
  std::uint64_t default_sample_type = 0;
  std::int64_t period = 0;
  std::int64_t time_nanos = 0;
  std::int64_t duration_nanos = 0;
};

RawProfile split(std::string_view message) {
  RawProfile raw;
  WireReader reader(message);
  while (reader.next()) {
    switch (reader.field()) {
      case 1: raw.sample_types.push_back(reader.bytes()); break;
      case 2: raw.samples.push_back(reader.bytes()); break;
      case 3: raw.mappings.push_back(reader.bytes()); break;
      case 4: raw.locations.push_back(reader.bytes()); break;
      case 5: raw.functions.push_back(reader.bytes()); break;
      case 6: raw.strings.push_back(reader.bytes()); break;
      case 9: {
        const std::int64_t time = reader.int64();
        if (raw.time_nanos != 0 && time != 0) throw InputError("two profiles in one file");
        raw.time_nanos = time;
        break;
      }
      case 10: raw.duration_nanos = reader.int64(); break;
      case 11: raw.period_type = reader.bytes(); break;
      case 12: raw.period = reader.int64(); break;
      case 13: reader.varints(raw.comments); break;
      case 14: raw.default_sample_type = reader.varint(); break;
      default: break;
    }
  }
  return raw;
}

class PprofReader {
 public:
  PprofReader(const RawProfile& raw, Dictionary& dictionary) : raw_(raw), dictionary_(dictionary) {}

  Profile read() {
    read_strings();
    for (const std::string_view mapping : raw_.mappings) read_mapping(mapping);
    for (const std::string_view function : raw_.functions) read_function(function);
    for (const std::string_view location : raw_.locations) read_location(location);
    Profile profile;
    read_header(profile);
    for (const std::string_view sample : raw_.samples) {
      read_sample(sample, profile.sample_types.size());
    }
    for (std::size_t row = 0; row < rows_.size(); ++row) {
      const SampleRows::Key& key = rows_.key(row);
      profile.samples.push_back(
          {.stack = key.stack, .attributes = key.attributes, .link = key.link});
      for (std::size_t type = 0; type < profile.sample_types.size(); ++type) {
        profile.values.push_back(rows_.value(row, type));
      }
    }
    return profile;
  }

 private:
  // The file's ids of one table and what became of them.
  class IdTable {
   public:
    explicit IdTable(const char* name) : name_(name) {}
    void add(std::uint64_t id, Index index) {
      if (id == 0) throw InputError(std::string(name_) + " without an id");
      if (!entries_.emplace(id, index).second) {
        throw InputError(std::string(name_) + " id " + std::to_string(id) + " occurs twice");
      }
    }
    std::optional<Index> find(std::uint64_t id) const {
      const auto found = entries_.find(id);
      return found == entries_.end() ? std::nullopt : std::optional(found->second);
    }
    Index at(std::uint64_t id) const {
      if (const std::optional<Index> found = find(id)) return *found;
      throw InputError("unknown " + std::string(name_) + " id " + std::to_string(id));
    }

   private:
    const char* name_;
    std::unordered_map<std::uint64_t, Index> entries_;
  };

  void read_strings() {
    if (raw_.strings.empty()) {
      if (raw_.sample_types.empty()) throw InputError("not a pprof profile: it has no strings");
    } else if (!raw_.strings.front().empty()) {
      throw InputError("not a pprof profile: its first string is not empty");
    }
    strings_.reserve(raw_.strings.size());
    for (const std::string_view text : raw_.strings) {
      strings_.push_back(dictionary_.intern_string(text));
    }
  }

  Index string(std::uint64_t index) const {
    if (index >= strings_.size()) {
      if (index == 0) return 0;
      throw InputError("string index " + std::to_string(static_cast<std::int64_t>(index)) +
                       " outside the table of " + std::to_string(strings_.size()));
    }
    return strings_[index];
  }

  encoder::ValueType value_type(std::string_view message) const {
    encoder::ValueType type;
    WireReader reader(message);
    while (reader.next()) {
      if (reader.field() == 1) {
        type.type = string(reader.varint());
      } else if (reader.field() == 2) {
        type.unit = string(reader.varint());
      }
    }
    return type;
  }

  void read_mapping(std::string_view message) {
    encoder::Mapping mapping;
    std::uint64_t id = 0;
    WireReader reader(message);
    while (reader.next()) {
      switch (reader.field()) {
        case 1: id = reader.varint(); break;
        case 2: mapping.memory_start = reader.varint(); break;
        case 3: mapping.memory_limit = reader.varint(); break;
        case 4: mapping.file_offset = reader.varint(); break;
        case 5: mapping.filename = string(reader.varint()); break;
        case 6: mapping.build_id_gnu = string(reader.varint()); break;
        default: break;
      }
    }
    mappings_.add(id, dictionary_.intern_mapping(mapping));
  }

  void read_function(std::string_view message) {
    encoder::Function function;
    std::uint64_t id = 0;
    WireReader reader(message);
    while (reader.next()) {
      switch (reader.field()) {
        case 1: id = reader.varint(); break;
        case 2: function.name = string(reader.varint()); break;
        case 3: function.system_name = string(reader.varint()); break;
        case 4: function.filename = string(reader.varint()); break;
        case 5: function.start_line = reader.int64(); break;
        default: break;
      }
    }
    functions_.add(id, dictionary_.intern_function(function));
  }

  encoder::Line line(std::string_view message) const {
    encoder::Line line;
    std::uint64_t function = 0;
    WireReader reader(message);
    while (reader.next()) {
      switch (reader.field()) {
        case 1: function = reader.varint(); break;
        case 2: line.line = reader.int64(); break;
        case 3: line.column = reader.int64(); break;
        default: break;
      }
    }
    line.function = functions_.at(function);
    return line;
  }

  void read_location(std::string_view message) {
    encoder::Location location;
    std::uint64_t id = 0;
    std::vector<encoder::Line> lines;
    WireReader reader(message);
    while (reader.next()) {
      switch (reader.field()) {
        case 1: id = reader.varint(); break;
        case 2: location.mapping = mappings_.find(reader.varint()).value_or(0); break;
        case 3: location.address = reader.varint(); break;
        case 4: lines.push_back(line(reader.bytes())); break;
        default: break;
      }
    }
    if (lines.size() > kMaxLinesPerLocation) {
      throw InputError("a location with " + std::to_string(lines.size()) + " inlined functions");
    }
    location.lines = lines;
    locations_.add(id, dictionary_.intern_location(location));
  }

  void read_header(Profile& profile) const {
    for (const std::string_view type : raw_.sample_types) {
      profile.sample_types.push_back(value_type(type));
    }
    if (profile.sample_types.empty() && !raw_.samples.empty()) {
      throw InputError("samples but no sample types");
    }
    // Without a named default a viewer shows the last type.
    if (!profile.sample_types.empty()) {
      profile.default_type = static_cast<std::uint32_t>(profile.sample_types.size() - 1);
    }
    const Index wanted = string(raw_.default_sample_type);
    for (std::uint32_t type = 0; type < profile.sample_types.size(); ++type) {
      if (wanted != 0 && profile.sample_types[type].type == wanted) profile.default_type = type;
      profile.otlp_types.push_back(type);
    }
    profile.pprof_period_type = value_type(raw_.period_type);
    profile.otlp_period_type = profile.pprof_period_type;
    profile.period = raw_.period;
    profile.time_unix_nano = static_cast<std::uint64_t>(std::max<std::int64_t>(0, raw_.time_nanos));
    profile.duration_nano =
        static_cast<std::uint64_t>(std::max<std::int64_t>(0, raw_.duration_nanos));
    for (const std::uint64_t comment : raw_.comments) profile.comments.push_back(string(comment));
  }

  void read_label(std::string_view message, encoder::Link& link) {
    std::uint64_t key = 0;
    std::uint64_t text = 0;
    std::int64_t number = 0;
    std::uint64_t unit = 0;
    WireReader reader(message);
    while (reader.next()) {
      switch (reader.field()) {
        case 1: key = reader.varint(); break;
        case 2: text = reader.varint(); break;
        case 3: number = reader.int64(); break;
        case 4: unit = reader.varint(); break;
        default: break;
      }
    }
    const std::string_view name = dictionary_.string(string(key));
    if (text == 0) {
      labels_.push_back(dictionary_.intern_attribute(
          {.key = string(key), .value = number, .unit = string(unit)}));
      return;
    }
    const std::string_view value = dictionary_.string(string(text));
    const Index label = dictionary_.intern_attribute({.key = string(key), .value = string(text)});
    const bool of_link = (name == encoder::kTraceIdLabel && parse_hex(value, link.trace_id)) ||
                         (name == encoder::kSpanIdLabel && parse_hex(value, link.span_id));
    (of_link ? link_labels_ : labels_).push_back(label);
  }

  void read_sample(std::string_view message, std::size_t types) {
    ids_.clear();
    values_.clear();
    labels_.clear();
    link_labels_.clear();
    encoder::Link link;
    WireReader reader(message);
    while (reader.next()) {
      switch (reader.field()) {
        case 1: reader.varints(ids_); break;
        case 2: reader.varints(values_); break;
        case 3: read_label(reader.bytes(), link); break;
        default: break;
      }
    }
    if (values_.size() != types) {
      throw InputError("a sample with " + std::to_string(values_.size()) + " values where " +
                       std::to_string(types) + " are declared");
    }
    if (ids_.size() > kMaxStackDepth) {
      throw InputError("a stack of " + std::to_string(ids_.size()) + " frames");
    }
    stack_.clear();
    for (const std::uint64_t id : ids_) stack_.push_back(locations_.at(id));
    const Index trace = dictionary_.intern_link(link);
    // Half a link is none; what was said of it stays a label.
    if (trace == 0) labels_.insert(labels_.end(), link_labels_.begin(), link_labels_.end());
    const std::size_t row = rows_.row({.stack = dictionary_.intern_stack(stack_),
                                       .attributes = dictionary_.intern_attribute_set(labels_),
                                       .link = trace});
    for (std::size_t type = 0; type < types; ++type) {
      rows_.add(row, type, static_cast<std::int64_t>(values_[type]));
    }
  }

  const RawProfile& raw_;
  Dictionary& dictionary_;
  std::vector<Index> strings_;
  IdTable mappings_{"mapping"};
  IdTable functions_{"function"};
  IdTable locations_{"location"};
  SampleRows rows_;
  std::vector<std::uint64_t> ids_, values_;
  std::vector<Index> stack_, labels_, link_labels_;
};

}  // namespace

Profile read_pprof(std::string_view message, Dictionary& dictionary) {
  const RawProfile raw = split(message);
  return PprofReader(raw, dictionary).read();
}

}  // namespace otprof::tools
