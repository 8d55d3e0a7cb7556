// SPDX-License-Identifier: Apache-2.0
//
// Which dictionary entries an OTLP request needs: what its headers and samples refer to, and what
// those entries refer to in turn. Both the encoder (which numbers them) and the planner (which adds
// up their sizes) walk this way, so they cannot disagree.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "encoder/dictionary.h"

namespace otprof::encoder {

enum class OtlpTable : std::uint8_t {
  kStrings,
  kMappings,
  kFunctions,
  kLocations,
  kStacks,
  kLinks,
  kAttributes
};
inline constexpr std::size_t kOtlpTables = 7;

// Entries of one of the seven tables, the zero entry included.
std::size_t table_size(const Dictionary& dictionary, OtlpTable table);

// The attributes that OTLP puts on mappings and locations; 0 where there is none.
std::array<Index, 2> mapping_attributes(const Dictionary& dictionary, const Mapping& mapping);
Index frame_type_attribute(const Dictionary& dictionary, const Location& location);

// `Keep`: bool(OtlpTable, Index), true the first time that it sees an entry, false for index 0.
template <class Keep>
class OtlpReach {
 public:
  OtlpReach(const Dictionary& dictionary, Keep& keep) : dictionary_(dictionary), keep_(keep) {}

  // The header of `profile`'s OTLP Profile for one of its types.
  void header(const Profile& profile, std::uint32_t type) {
    value_type(profile.sample_types[type]);
    value_type(profile.otlp_period_type);
    attribute_set(profile.attributes);
  }

  void sample(const Sample& sample) {
    if (keep_(OtlpTable::kStacks, sample.stack)) {
      for (const Index index : dictionary_.stacks()[sample.stack].locations) location(index);
    }
    attribute_set(sample.attributes);
    keep_(OtlpTable::kLinks, sample.link);
  }

 private:
  void string(Index index) { keep_(OtlpTable::kStrings, index); }

  void value_type(const ValueType& type) {
    string(type.type);
    string(type.unit);
  }

  void attribute_set(Index index) {
    for (const Index entry : dictionary_.attribute_sets()[index].attributes) attribute(entry);
  }

  void attribute(Index index) {
    if (!keep_(OtlpTable::kAttributes, index)) return;
    const Attribute& entry = dictionary_.attributes()[index];
    string(entry.key);
    string(entry.unit);
  }

  void mapping(Index index) {
    if (!keep_(OtlpTable::kMappings, index)) return;
    const Mapping& entry = dictionary_.mappings()[index];
    string(entry.filename);
    for (const Index build_id : mapping_attributes(dictionary_, entry)) attribute(build_id);
  }

  void location(Index index) {
    if (!keep_(OtlpTable::kLocations, index)) return;
    const Location& entry = dictionary_.locations()[index];
    mapping(entry.mapping);
    attribute(frame_type_attribute(dictionary_, entry));
    for (const Line& line : entry.lines) function(line.function);
  }

  void function(Index index) {
    if (!keep_(OtlpTable::kFunctions, index)) return;
    const Function& entry = dictionary_.functions()[index];
    string(entry.name);
    string(entry.system_name);
    string(entry.filename);
  }

  const Dictionary& dictionary_;
  Keep& keep_;
};

}  // namespace otprof::encoder
