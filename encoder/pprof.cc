// SPDX-License-Identifier: Apache-2.0
#include "encoder/pprof.h"

#include <algorithm>

#include "encoder/pprof.pb.h"
#include "encoder/pprof_tables.h"
#include "encoder/wire.h"

namespace otprof::encoder {
namespace {

// Each encode_* writes one entry of a table; `id` is 1-based.

pprof_ValueType value_type(const PprofTables& tables, const ValueType& type) {
  return {.type = tables.strings()[type.type], .unit = tables.strings()[type.unit]};
}

bool encode_sample(pb_ostream_t* stream, const pb_field_t* field, const PprofTables& tables,
                   const Profile& profile, std::size_t sample_index) {
  const Sample& sample = profile.samples[sample_index];
  auto location_ids = [&](pb_ostream_t* to, const pb_field_t* in) {
    return encode_packed(
        to, in, tables.dictionary().stacks()[sample.stack].locations,
        [&](Index location) { return std::uint64_t{tables.locations()[location]}; });
  };
  auto values = [&](pb_ostream_t* to, const pb_field_t* in) {
    const std::size_t types = profile.sample_types.size();
    return encode_packed(to, in, std::span(profile.values).subspan(sample_index * types, types),
                         [](std::int64_t value) { return static_cast<std::uint64_t>(value); });
  };
  auto labels = [&](pb_ostream_t* to, const pb_field_t* in) {
    return std::ranges::all_of(tables.labels(sample), [&](const pprof_Label& label) {
      return encode_message(to, in, pprof_Label_fields, &label);
    });
  };
  pprof_Sample message{};
  message.location_id = field_callback(location_ids);
  message.value = field_callback(values);
  message.label = field_callback(labels);
  return encode_message(stream, field, pprof_Sample_fields, &message);
}

bool encode_mapping(pb_ostream_t* stream, const pb_field_t* field, const PprofTables& tables,
                    Index from) {
  const Mapping& mapping = tables.dictionary().mappings()[from];
  const MappingFacts& facts = tables.facts(from);
  const pprof_Mapping message{.id = tables.mappings()[from],
                              .memory_start = mapping.memory_start,
                              .memory_limit = mapping.memory_limit,
                              .file_offset = mapping.file_offset,
                              .filename = tables.strings()[mapping.filename],
                              .build_id = tables.strings()[mapping.build_id_gnu],
                              .has_functions = facts.functions,
                              .has_filenames = facts.filenames,
                              .has_line_numbers = facts.line_numbers,
                              .has_inline_frames = facts.inline_frames};
  return encode_message(stream, field, pprof_Mapping_fields, &message);
}

bool encode_location(pb_ostream_t* stream, const pb_field_t* field, const PprofTables& tables,
                     Index from) {
  const Location& location = tables.dictionary().locations()[from];
  auto lines = [&](pb_ostream_t* to, const pb_field_t* in) {
    for (const Line& line : location.lines) {
      if (line.function == 0) continue;  // pprof refuses a line without function
      const pprof_Line message{.function_id = tables.functions()[line.function],
                               .line = line.line,
                               .column = line.column};
      if (!encode_message(to, in, pprof_Line_fields, &message)) return false;
    }
    return true;
  };
  pprof_Location message{};
  message.id = tables.locations()[from];
  message.mapping_id = tables.mappings()[location.mapping];
  message.address = location.address;
  message.line = field_callback(lines);
  return encode_message(stream, field, pprof_Location_fields, &message);
}

bool encode_function(pb_ostream_t* stream, const pb_field_t* field, const PprofTables& tables,
                     Index from) {
  const Function& function = tables.dictionary().functions()[from];
  const PprofStrings& strings = tables.strings();
  const pprof_Function message{.id = tables.functions()[from],
                               .name = strings[function.name],
                               .system_name = strings[function.system_name],
                               .filename = strings[function.filename],
                               .start_line = function.start_line};
  return encode_message(stream, field, pprof_Function_fields, &message);
}

}  // namespace

bool encode_pprof(const Dictionary& dictionary, const Profile& profile, ByteSink& sink) {
  const PprofTables tables(dictionary, profile);
  const auto table = [&tables](const Remap& kept, auto encode_entry) {
    return [&tables, &kept, encode_entry](pb_ostream_t* stream, const pb_field_t* field) {
      return std::ranges::all_of(
          kept.kept(), [&](Index from) { return encode_entry(stream, field, tables, from); });
    };
  };
  auto sample_types = [&](pb_ostream_t* stream, const pb_field_t* field) {
    return std::ranges::all_of(profile.sample_types, [&](const ValueType& type) {
      const pprof_ValueType message = value_type(tables, type);
      return encode_message(stream, field, pprof_ValueType_fields, &message);
    });
  };
  auto samples = [&](pb_ostream_t* stream, const pb_field_t* field) {
    for (std::size_t i = 0; i < profile.samples.size(); ++i) {
      if (!encode_sample(stream, field, tables, profile, i)) return false;
    }
    return true;
  };
  auto mappings = table(tables.mappings(), encode_mapping);
  auto locations = table(tables.locations(), encode_location);
  auto functions = table(tables.functions(), encode_function);
  auto strings = [&](pb_ostream_t* stream, const pb_field_t* field) {
    return std::ranges::all_of(tables.strings().texts(), [&](std::string_view text) {
      return encode_string(stream, field, text);
    });
  };
  auto comments = [&](pb_ostream_t* stream, const pb_field_t* field) {
    return encode_packed(stream, field, std::span(profile.comments), [&](Index comment) {
      return static_cast<std::uint64_t>(tables.strings()[comment]);
    });
  };
  pprof_Profile message{};
  message.sample_type = field_callback(sample_types);
  message.sample = field_callback(samples);
  message.mapping = field_callback(mappings);
  message.location = field_callback(locations);
  message.function = field_callback(functions);
  message.string_table = field_callback(strings);
  message.time_nanos = static_cast<std::int64_t>(profile.time_unix_nano);
  message.duration_nanos = static_cast<std::int64_t>(profile.duration_nano);
  message.has_period_type = true;
  message.period_type = value_type(tables, profile.pprof_period_type);
  message.period = profile.period;
  message.comment = field_callback(comments);
  if (profile.default_type < profile.sample_types.size()) {
    message.default_sample_type = tables.strings()[profile.sample_types[profile.default_type].type];
  }
  return SinkStream(sink).encode(pprof_Profile_fields, &message);
}

}  // namespace otprof::encoder
