// SPDX-License-Identifier: Apache-2.0
#include "tools/otlp_tables.h"

#include <algorithm>
#include <cstdio>
#include <string>

#include "encoder/attribute_keys.h"
#include "tools/input_error.h"
#include "tools/read_pprof.h"
#include "tools/wire_reader.h"

namespace otprof::tools {

using encoder::Index;

OtlpTables::OtlpTables(std::string_view message, encoder::Dictionary& dictionary)
    : dictionary_(dictionary) {
  std::vector<std::string_view> mappings, locations, functions, links, attributes, stacks;
  WireReader reader(message);
  while (reader.next()) {
    switch (reader.field()) {
      case 1: mappings.push_back(reader.bytes()); break;
      case 2: locations.push_back(reader.bytes()); break;
      case 3: functions.push_back(reader.bytes()); break;
      case 4: links.push_back(reader.bytes()); break;
      case 5: strings_.push_back(dictionary.intern_string(reader.bytes())); break;
      case 6: attributes.push_back(reader.bytes()); break;
      case 7: stacks.push_back(reader.bytes()); break;
      default: break;
    }
  }
  // In the order of who refers to whom. Entry 0 means "unset", whatever it holds.
  const auto resolve = [this](const std::vector<std::string_view>& entries,
                              std::vector<Index>& table,
                              Index (OtlpTables::*read)(std::string_view) const) {
    table.reserve(entries.size());
    for (const std::string_view entry : entries) {
      table.push_back(table.empty() ? 0 : (this->*read)(entry));
    }
  };
  if (!strings_.empty()) strings_.front() = 0;
  resolve(attributes, attributes_, &OtlpTables::attribute_entry);
  resolve(functions, functions_, &OtlpTables::function);
  resolve(mappings, mappings_, &OtlpTables::mapping);
  resolve(locations, locations_, &OtlpTables::location);
  resolve(stacks, stacks_, &OtlpTables::stack_entry);
  resolve(links, links_, &OtlpTables::link_entry);
}

Index OtlpTables::at(const std::vector<Index>& table, std::uint64_t index, const char* name) {
  if (index < table.size()) return table[index];
  if (index == 0) return 0;
  throw InputError(std::string(name) + " index " +
                   std::to_string(static_cast<std::int64_t>(index)) + " outside the table of " +
                   std::to_string(table.size()));
}

std::variant<Index, std::int64_t> OtlpTables::value(std::string_view message) const {
  std::variant<Index, std::int64_t> value = Index{0};
  WireReader reader(message);
  while (reader.next()) {
    switch (reader.field()) {
      case 1: value = dictionary_.intern_string(reader.bytes()); break;
      case 2: value = dictionary_.intern_string(reader.varint() != 0 ? "true" : "false"); break;
      case 3: value = reader.int64(); break;
      case 4: {
        char text[32];
        std::snprintf(text, sizeof text, "%g", reader.float64());
        value = dictionary_.intern_string(text);
        break;
      }
      case 5: value = dictionary_.intern_string("(list)"); break;
      case 6: value = dictionary_.intern_string("(map)"); break;
      case 7: value = dictionary_.intern_string(reader.bytes()); break;
      case 8: value = string(reader.varint()); break;
      default: break;
    }
  }
  return value;
}

Index OtlpTables::attribute_entry(std::string_view message) const {
  encoder::Attribute attribute;
  WireReader reader(message);
  while (reader.next()) {
    switch (reader.field()) {
      case 1: attribute.key = string(reader.varint()); break;
      case 2: attribute.value = value(reader.bytes()); break;
      case 3: attribute.unit = string(reader.varint()); break;
      default: break;
    }
  }
  return dictionary_.intern_attribute(attribute);
}

Index OtlpTables::function(std::string_view message) const {
  encoder::Function function;
  WireReader reader(message);
  while (reader.next()) {
    switch (reader.field()) {
      case 1: function.name = string(reader.varint()); break;
      case 2: function.system_name = string(reader.varint()); break;
      case 3: function.filename = string(reader.varint()); break;
      case 4: function.start_line = reader.int64(); break;
      default: break;
    }
  }
  return dictionary_.intern_function(function);
}

Index OtlpTables::mapping(std::string_view message) const {
  encoder::Mapping mapping;
  std::vector<std::uint64_t> attributes;
  WireReader reader(message);
  while (reader.next()) {
    switch (reader.field()) {
      case 1: mapping.memory_start = reader.varint(); break;
      case 2: mapping.memory_limit = reader.varint(); break;
      case 3: mapping.file_offset = reader.varint(); break;
      case 4: mapping.filename = string(reader.varint()); break;
      case 5: reader.varints(attributes); break;
      default: break;
    }
  }
  for (const std::uint64_t index : attributes) {
    const encoder::Attribute known = dictionary_.attributes()[attribute(index)];
    const Index* const text = std::get_if<Index>(&known.value);
    if (text == nullptr) continue;
    const std::string_view key = dictionary_.string(known.key);
    if (key == encoder::kBuildIdGnuKey) mapping.build_id_gnu = *text;
    if (key == encoder::kBuildIdHtlKey) mapping.build_id_htl = *text;
  }
  return dictionary_.intern_mapping(mapping);
}

encoder::Line OtlpTables::line(std::string_view message) const {
  encoder::Line line;
  WireReader reader(message);
  while (reader.next()) {
    switch (reader.field()) {
      case 1: line.function = at(functions_, reader.varint(), "function"); break;
      case 2: line.line = reader.int64(); break;
      case 3: line.column = reader.int64(); break;
      default: break;
    }
  }
  return line;
}

Index OtlpTables::location(std::string_view message) const {
  encoder::Location location;
  std::vector<encoder::Line> lines;
  std::vector<std::uint64_t> attributes;
  WireReader reader(message);
  while (reader.next()) {
    switch (reader.field()) {
      case 1: location.mapping = at(mappings_, reader.varint(), "mapping"); break;
      case 2: location.address = reader.varint(); break;
      case 3: lines.push_back(line(reader.bytes())); break;
      case 4: reader.varints(attributes); break;
      default: break;
    }
  }
  if (lines.size() > kMaxLinesPerLocation) {
    throw InputError("a location with " + std::to_string(lines.size()) + " inlined functions");
  }
  location.lines = lines;
  for (const std::uint64_t index : attributes) {
    const encoder::Attribute known = dictionary_.attributes()[attribute(index)];
    const Index* const text = std::get_if<Index>(&known.value);
    if (text != nullptr && dictionary_.string(known.key) == encoder::kFrameTypeKey) {
      location.frame_type = *text;
    }
  }
  return dictionary_.intern_location(location);
}

Index OtlpTables::stack_entry(std::string_view message) const {
  std::vector<std::uint64_t> indices;
  WireReader reader(message);
  while (reader.next()) {
    if (reader.field() == 1) reader.varints(indices);
  }
  if (indices.size() > kMaxStackDepth) {
    throw InputError("a stack of " + std::to_string(indices.size()) + " frames");
  }
  std::vector<Index> locations;
  locations.reserve(indices.size());
  for (const std::uint64_t index : indices) {
    locations.push_back(at(locations_, index, "location"));
  }
  return dictionary_.intern_stack(locations);
}

Index OtlpTables::link_entry(std::string_view message) const {
  encoder::Link link;
  WireReader reader(message);
  while (reader.next()) {
    const std::uint32_t field = reader.field();
    if (field != 1 && field != 2) continue;
    const std::string_view id = reader.bytes();
    std::span<std::uint8_t> out(link.trace_id);
    if (field == 2) out = link.span_id;
    if (id.size() != out.size()) throw InputError("a trace or span id of the wrong length");
    std::ranges::transform(id, out.begin(), [](char c) { return static_cast<std::uint8_t>(c); });
  }
  return dictionary_.intern_link(link);
}

}  // namespace otprof::tools
