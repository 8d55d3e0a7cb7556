// SPDX-License-Identifier: Apache-2.0
//
// The dictionary of one OTLP request: the entries that its samples reach, numbered in the order of
// first use, and their encoding.
// One thread at a time; allocates.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "encoder/dictionary.h"
#include "encoder/otlp.pb.h"
#include "encoder/otlp_reach.h"
#include "encoder/remap.h"
#include "encoder/wire.h"

namespace otprof::encoder {

class OtlpTables {
 public:
  explicit OtlpTables(const Dictionary& dictionary);

  // Everything that the header of `profile`'s OTLP Profile for one of its types refers to.
  void add_header(const Profile& profile, std::uint32_t type);
  void add_sample(const Sample& sample);
  // For OtlpReach.
  bool operator()(OtlpTable table, Index entry) {
    return remaps_[static_cast<std::size_t>(table)].add(entry);
  }

  // The entry's index in the request.
  std::int32_t index(OtlpTable table, Index from) const {
    return static_cast<std::int32_t>(remap(table)[from]);
  }
  otlp_ValueType value_type(const ValueType& type) const;
  bool encode_attribute_indices(pb_ostream_t* stream, const pb_field_t* field,
                                Index attribute_set) const;

  // Calls `use` with the message; it is valid during the call only.
  template <class Use>
  auto with_message(const Use& use) const;

 private:
  const Remap& remap(OtlpTable table) const { return remaps_[static_cast<std::size_t>(table)]; }
  std::int32_t string(Index from) const { return index(OtlpTable::kStrings, from); }

  bool encode_indices(pb_ostream_t* stream, const pb_field_t* field, OtlpTable table,
                      std::span<const Index> from) const;
  bool encode_mapping(pb_ostream_t* stream, const pb_field_t* field, Index from) const;
  bool encode_location(pb_ostream_t* stream, const pb_field_t* field, Index from) const;
  bool encode_function(pb_ostream_t* stream, const pb_field_t* field, Index from) const;
  bool encode_link(pb_ostream_t* stream, const pb_field_t* field, Index from) const;
  bool encode_attribute(pb_ostream_t* stream, const pb_field_t* field, Index from) const;
  bool encode_stack(pb_ostream_t* stream, const pb_field_t* field, Index from) const;

  const Dictionary& dictionary_;
  std::vector<Remap> remaps_;  // by OtlpTable
};

template <class Use>
auto OtlpTables::with_message(const Use& use) const {
  // A callback for a whole table: entry 0, which every encode_* writes as the empty message, first.
  const auto entries = [this](OtlpTable table, auto encode_entry) {
    return [this, table, encode_entry](pb_ostream_t* stream, const pb_field_t* field) {
      if (!(this->*encode_entry)(stream, field, 0)) return false;
      for (const Index from : remap(table).kept()) {
        if (!(this->*encode_entry)(stream, field, from)) return false;
      }
      return true;
    };
  };
  auto mappings = entries(OtlpTable::kMappings, &OtlpTables::encode_mapping);
  auto locations = entries(OtlpTable::kLocations, &OtlpTables::encode_location);
  auto functions = entries(OtlpTable::kFunctions, &OtlpTables::encode_function);
  auto links = entries(OtlpTable::kLinks, &OtlpTables::encode_link);
  auto attributes = entries(OtlpTable::kAttributes, &OtlpTables::encode_attribute);
  auto stacks = entries(OtlpTable::kStacks, &OtlpTables::encode_stack);
  auto strings = [this](pb_ostream_t* stream, const pb_field_t* field) {
    if (!encode_string(stream, field, {})) return false;
    for (const Index from : remap(OtlpTable::kStrings).kept()) {
      if (!encode_string(stream, field, dictionary_.string(from))) return false;
    }
    return true;
  };
  otlp_ProfilesDictionary message{};
  message.mapping_table = field_callback(mappings);
  message.location_table = field_callback(locations);
  message.function_table = field_callback(functions);
  message.link_table = field_callback(links);
  message.string_table = field_callback(strings);
  message.attribute_table = field_callback(attributes);
  message.stack_table = field_callback(stacks);
  return use(message);
}

}  // namespace otprof::encoder
