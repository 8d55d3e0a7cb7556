// SPDX-License-Identifier: Apache-2.0
#include "tools/translate.h"

namespace otprof::tools {

using encoder::Index;

Translator::Translator(const encoder::Dictionary& from, encoder::Dictionary& to)
    : from_(from),
      to_(to),
      strings_(from.string_count()),
      mappings_(from.mappings().size()),
      functions_(from.functions().size()),
      locations_(from.locations().size()),
      stacks_(from.stacks().size()),
      attributes_(from.attributes().size()) {}

Index Translator::string(Index index) {
  if (index == 0 || strings_[index] != 0) return strings_[index];
  return strings_[index] = to_.intern_string(from_.string(index));
}

Index Translator::mapping(Index index) {
  if (index == 0 || mappings_[index] != 0) return mappings_[index];
  encoder::Mapping copy = from_.mappings()[index];
  copy.filename = string(copy.filename);
  copy.build_id_gnu = string(copy.build_id_gnu);
  copy.build_id_htl = string(copy.build_id_htl);
  return mappings_[index] = to_.intern_mapping(copy);
}

Index Translator::function(Index index) {
  if (index == 0 || functions_[index] != 0) return functions_[index];
  encoder::Function copy = from_.functions()[index];
  copy.name = string(copy.name);
  copy.system_name = string(copy.system_name);
  copy.filename = string(copy.filename);
  return functions_[index] = to_.intern_function(copy);
}

Index Translator::location(Index index) {
  if (index == 0 || locations_[index] != 0) return locations_[index];
  encoder::Location copy = from_.locations()[index];
  copy.mapping = mapping(copy.mapping);
  copy.frame_type = string(copy.frame_type);
  std::vector<encoder::Line> lines(copy.lines.begin(), copy.lines.end());
  for (encoder::Line& line : lines) line.function = function(line.function);
  copy.lines = lines;
  return locations_[index] = to_.intern_location(copy);
}

Index Translator::stack(Index index) {
  if (index == 0 || stacks_[index] != 0) return stacks_[index];
  std::vector<Index> locations;
  for (const Index entry : from_.stacks()[index].locations) locations.push_back(location(entry));
  return stacks_[index] = to_.intern_stack(locations);
}

Index Translator::link(Index index) {
  return index == 0 ? 0 : to_.intern_link(from_.links()[index]);
}

Index Translator::attribute(Index index) {
  if (index == 0 || attributes_[index] != 0) return attributes_[index];
  encoder::Attribute copy = from_.attributes()[index];
  copy.key = string(copy.key);
  copy.unit = string(copy.unit);
  if (const Index* text = std::get_if<Index>(&copy.value)) copy.value = string(*text);
  return attributes_[index] = to_.intern_attribute(copy);
}

encoder::ValueType Translator::value_type(encoder::ValueType type) {
  return {.type = string(type.type), .unit = string(type.unit)};
}

}  // namespace otprof::tools
