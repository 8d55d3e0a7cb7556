// SPDX-License-Identifier: Apache-2.0
//
// The dictionary of one OTLP request: the entries that its samples reach, numbered in the order of
// first use, and their encoding.
// One thread at a time; allocates.
#pragma once

#include <array>
#include <span>

#include "encoder/dictionary.h"
#include "encoder/otlp.pb.h"
#include "encoder/remap.h"
#include "encoder/wire.h"

namespace otprof::encoder {

// The attributes that OTLP puts on mappings and locations; 0 where there is none.
std::array<Index, 2> mapping_attributes(const Dictionary& dictionary, const Mapping& mapping);
Index frame_type_attribute(const Dictionary& dictionary, const Location& location);

class OtlpTables {
 public:
  explicit OtlpTables(const Dictionary& dictionary);

  // Everything that the header of `profile`'s OTLP Profile for one of its types refers to.
  void add_header(const Profile& profile, std::uint32_t type);
  void add_sample(const Sample& sample);

  std::int32_t string(Index from) const { return number(strings_, from); }
  std::int32_t stack(Index from) const { return number(stacks_, from); }
  std::int32_t link(Index from) const { return number(links_, from); }
  otlp_ValueType value_type(const ValueType& type) const;
  bool encode_attribute_indices(pb_ostream_t* stream, const pb_field_t* field,
                                Index attribute_set) const;

  // Calls `use` with the message; it is valid during the call only.
  template <class Use>
  auto with_message(const Use& use) const;

 private:
  static std::int32_t number(const Remap& remap, Index from) {
    return static_cast<std::int32_t>(remap[from]);
  }
  void add_value_type(const ValueType& type);
  void add_attribute_set(Index set);
  void add_attribute(Index attribute);
  void add_mapping(Index mapping);
  void add_location(Index location);

  bool encode_indices(pb_ostream_t* stream, const pb_field_t* field, const Remap& remap,
                      std::span<const Index> from) const;
  bool encode_mapping(pb_ostream_t* stream, const pb_field_t* field, Index from) const;
  bool encode_location(pb_ostream_t* stream, const pb_field_t* field, Index from) const;
  bool encode_function(pb_ostream_t* stream, const pb_field_t* field, Index from) const;
  bool encode_link(pb_ostream_t* stream, const pb_field_t* field, Index from) const;
  bool encode_attribute(pb_ostream_t* stream, const pb_field_t* field, Index from) const;
  bool encode_stack(pb_ostream_t* stream, const pb_field_t* field, Index from) const;

  const Dictionary& dictionary_;
  Remap strings_, mappings_, functions_, locations_, stacks_, links_, attributes_;
};

template <class Use>
auto OtlpTables::with_message(const Use& use) const {
  // A callback for a whole table: entry 0, which every encode_* writes as the empty message, first.
  const auto table = [this](const Remap& kept, auto encode_entry) {
    return [this, &kept, encode_entry](pb_ostream_t* stream, const pb_field_t* field) {
      if (!(this->*encode_entry)(stream, field, 0)) return false;
      for (const Index from : kept.kept()) {
        if (!(this->*encode_entry)(stream, field, from)) return false;
      }
      return true;
    };
  };
  auto mappings = table(mappings_, &OtlpTables::encode_mapping);
  auto locations = table(locations_, &OtlpTables::encode_location);
  auto functions = table(functions_, &OtlpTables::encode_function);
  auto links = table(links_, &OtlpTables::encode_link);
  auto attributes = table(attributes_, &OtlpTables::encode_attribute);
  auto stacks = table(stacks_, &OtlpTables::encode_stack);
  auto strings = [this](pb_ostream_t* stream, const pb_field_t* field) {
    if (!encode_string(stream, field, {})) return false;
    for (const Index from : strings_.kept()) {
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
