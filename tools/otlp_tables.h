// SPDX-License-Identifier: Apache-2.0
//
// The ProfilesDictionary of one OTLP request, each of its entries interned: what turns an index of
// the request into an index of our Dictionary. Any thread, one per dictionary.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include "encoder/dictionary.h"
#include "encoder/profile.h"

namespace otprof::tools {

class OtlpTables {
 public:
  // Throws InputError when an entry refers outside a table.
  OtlpTables(std::string_view message, encoder::Dictionary& dictionary);

  // Each throws InputError for an index outside the table; 0 is always the zero entry.
  encoder::Index string(std::uint64_t index) const { return at(strings_, index, "string"); }
  encoder::Index stack(std::uint64_t index) const { return at(stacks_, index, "stack"); }
  encoder::Index link(std::uint64_t index) const { return at(links_, index, "link"); }
  encoder::Index attribute(std::uint64_t index) const {
    return at(attributes_, index, "attribute");
  }

  // An AnyValue. Booleans and fractions become text, lists and maps the text "(list)" and "(map)".
  std::variant<encoder::Index, std::int64_t> value(std::string_view message) const;

 private:
  static encoder::Index at(const std::vector<encoder::Index>& table, std::uint64_t index,
                           const char* name);
  encoder::Index attribute_entry(std::string_view message) const;
  encoder::Index function(std::string_view message) const;
  encoder::Index mapping(std::string_view message) const;
  encoder::Index location(std::string_view message) const;
  encoder::Index stack_entry(std::string_view message) const;
  encoder::Index link_entry(std::string_view message) const;
  encoder::Line line(std::string_view message) const;

  encoder::Dictionary& dictionary_;
  std::vector<encoder::Index> strings_, attributes_, functions_, mappings_, locations_, stacks_,
      links_;
};

}  // namespace otprof::tools
