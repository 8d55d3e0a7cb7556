// SPDX-License-Identifier: Apache-2.0
#include "encoder/otlp_tables.h"

namespace otprof::encoder {

OtlpTables::OtlpTables(const Dictionary& dictionary) : dictionary_(dictionary) {
  for (std::size_t table = 0; table < kOtlpTables; ++table) {
    remaps_.emplace_back(table_size(dictionary, static_cast<OtlpTable>(table)));
  }
}

void OtlpTables::add_header(const Profile& profile, std::uint32_t type) {
  OtlpReach(dictionary_, *this).header(profile, type);
}

void OtlpTables::add_sample(const Sample& sample) { OtlpReach(dictionary_, *this).sample(sample); }

otlp_ValueType OtlpTables::value_type(const ValueType& type) const {
  return {.type_strindex = string(type.type), .unit_strindex = string(type.unit)};
}

bool OtlpTables::encode_indices(pb_ostream_t* stream, const pb_field_t* field, OtlpTable table,
                                std::span<const Index> from) const {
  const Remap& to = remap(table);
  return encode_packed(stream, field, from, [&](Index entry) { return std::uint64_t{to[entry]}; });
}

bool OtlpTables::encode_attribute_indices(pb_ostream_t* stream, const pb_field_t* field,
                                          Index attribute_set) const {
  return encode_indices(stream, field, OtlpTable::kAttributes,
                        dictionary_.attribute_sets()[attribute_set].attributes);
}

bool OtlpTables::encode_mapping(pb_ostream_t* stream, const pb_field_t* field, Index from) const {
  const Mapping& mapping = dictionary_.mappings()[from];
  std::array<Index, 2> set{};
  std::size_t count = 0;
  for (const Index attribute : mapping_attributes(dictionary_, mapping)) {
    if (attribute != 0) set[count++] = attribute;
  }
  auto attributes = [&](pb_ostream_t* to, const pb_field_t* in) {
    return encode_indices(to, in, OtlpTable::kAttributes, std::span(set).first(count));
  };
  otlp_Mapping message{};
  message.memory_start = mapping.memory_start;
  message.memory_limit = mapping.memory_limit;
  message.file_offset = mapping.file_offset;
  message.filename_strindex = string(mapping.filename);
  message.attribute_indices = field_callback(attributes);
  return encode_message(stream, field, otlp_Mapping_fields, &message);
}

bool OtlpTables::encode_location(pb_ostream_t* stream, const pb_field_t* field, Index from) const {
  const Location& location = dictionary_.locations()[from];
  auto lines = [&](pb_ostream_t* to, const pb_field_t* in) {
    for (const Line& line : location.lines) {
      const otlp_Line message{.function_index = index(OtlpTable::kFunctions, line.function),
                              .line = line.line,
                              .column = line.column};
      if (!encode_message(to, in, otlp_Line_fields, &message)) return false;
    }
    return true;
  };
  const Index frame_type = frame_type_attribute(dictionary_, location);
  auto attributes = [&](pb_ostream_t* to, const pb_field_t* in) {
    return encode_indices(to, in, OtlpTable::kAttributes,
                          std::span(&frame_type, frame_type != 0 ? std::size_t{1} : 0));
  };
  otlp_Location message{};
  message.mapping_index = index(OtlpTable::kMappings, location.mapping);
  message.address = location.address;
  message.lines = field_callback(lines);
  message.attribute_indices = field_callback(attributes);
  return encode_message(stream, field, otlp_Location_fields, &message);
}

bool OtlpTables::encode_function(pb_ostream_t* stream, const pb_field_t* field, Index from) const {
  const Function& function = dictionary_.functions()[from];
  const otlp_Function message{.name_strindex = string(function.name),
                              .system_name_strindex = string(function.system_name),
                              .filename_strindex = string(function.filename),
                              .start_line = function.start_line};
  return encode_message(stream, field, otlp_Function_fields, &message);
}

bool OtlpTables::encode_link(pb_ostream_t* stream, const pb_field_t* field, Index from) const {
  const Link& link = dictionary_.links()[from];
  const auto bytes = [&](const auto& id) {
    return [&id, from](pb_ostream_t* to, const pb_field_t* in) {
      // Link 0 is empty, not two ids of zeros, which several receivers refuse.
      if (from == 0) return true;
      return encode_string(to, in,
                           std::string_view(reinterpret_cast<const char*>(id.data()), id.size()));
    };
  };
  auto trace_id = bytes(link.trace_id);
  auto span_id = bytes(link.span_id);
  otlp_Link message{};
  message.trace_id = field_callback(trace_id);
  message.span_id = field_callback(span_id);
  return encode_message(stream, field, otlp_Link_fields, &message);
}

bool OtlpTables::encode_attribute(pb_ostream_t* stream, const pb_field_t* field, Index from) const {
  const Attribute& attribute = dictionary_.attributes()[from];
  otlp_KeyValueAndUnit message{};
  message.key_strindex = string(attribute.key);
  message.unit_strindex = string(attribute.unit);
  message.has_value = from != 0;
  // Literal, because several receivers ignore string_value_strindex.
  auto text = [&](pb_ostream_t* to, const pb_field_t* in) {
    return encode_string(to, in, dictionary_.string(*std::get_if<Index>(&attribute.value)));
  };
  if (const std::int64_t* value = std::get_if<std::int64_t>(&attribute.value)) {
    message.value.has_int_value = true;
    message.value.int_value = *value;
  } else {
    message.value.string_value = field_callback(text);
  }
  return encode_message(stream, field, otlp_KeyValueAndUnit_fields, &message);
}

bool OtlpTables::encode_stack(pb_ostream_t* stream, const pb_field_t* field, Index from) const {
  auto locations = [&](pb_ostream_t* to, const pb_field_t* in) {
    return encode_indices(to, in, OtlpTable::kLocations, dictionary_.stacks()[from].locations);
  };
  otlp_Stack message{};
  message.location_indices = field_callback(locations);
  return encode_message(stream, field, otlp_Stack_fields, &message);
}

}  // namespace otprof::encoder
