// SPDX-License-Identifier: Apache-2.0
#include "encoder/otlp_reach.h"

#include "encoder/attribute_keys.h"

namespace otprof::encoder {

std::size_t table_size(const Dictionary& dictionary, OtlpTable table) {
  switch (table) {
    case OtlpTable::kStrings: return dictionary.string_count();
    case OtlpTable::kMappings: return dictionary.mappings().size();
    case OtlpTable::kFunctions: return dictionary.functions().size();
    case OtlpTable::kLocations: return dictionary.locations().size();
    case OtlpTable::kStacks: return dictionary.stacks().size();
    case OtlpTable::kLinks: return dictionary.links().size();
    case OtlpTable::kAttributes: return dictionary.attributes().size();
  }
  return 0;
}

std::array<Index, 2> mapping_attributes(const Dictionary& dictionary, const Mapping& mapping) {
  const auto find = [&](std::string_view key, Index value) -> Index {
    if (value == 0) return 0;
    return dictionary.find_attribute({.key = dictionary.find_string(key), .value = value});
  };
  return {find(kBuildIdGnuKey, mapping.build_id_gnu), find(kBuildIdHtlKey, mapping.build_id_htl)};
}

Index frame_type_attribute(const Dictionary& dictionary, const Location& location) {
  if (location.frame_type == 0) return 0;
  return dictionary.find_attribute(
      {.key = dictionary.find_string(kFrameTypeKey), .value = location.frame_type});
}

}  // namespace otprof::encoder
