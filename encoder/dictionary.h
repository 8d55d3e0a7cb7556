// SPDX-License-Identifier: Apache-2.0
//
// The interned tables of one window: strings, mappings, functions, locations, stacks, links,
// attributes and attribute sets.
//
// Promises: every intern_* returns the index of an equal entry if there is one, else appends; entry
// 0 of each table is the zero entry; entries never change or move to another index.
// One thread at a time; allocates, so never from a signal handler or a malloc hook.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "encoder/profile.h"

namespace otprof::encoder {

class Dictionary {
 public:
  Dictionary();
  ~Dictionary();
  Dictionary(Dictionary&&) noexcept;
  Dictionary& operator=(Dictionary&&) noexcept;
  Dictionary(const Dictionary&) = delete;
  Dictionary& operator=(const Dictionary&) = delete;

  // Bytes that are not valid UTF-8 are replaced by U+FFFD (protobuf strings must be UTF-8).
  Index intern_string(std::string_view text);
  // Also interns the attributes under which OTLP carries the build ids, so that the encoder only
  // has to look them up.
  Index intern_mapping(const Mapping& mapping);
  Index intern_function(const Function& function);  // without any name or file: 0
  // Also interns the profile.frame.type attribute.
  Index intern_location(const Location& location);
  Index intern_stack(std::span<const Index> locations_leaf_first);
  Index intern_link(const Link& link);                 // an all-zero trace or span id gives 0
  Index intern_attribute(const Attribute& attribute);  // without a key: 0
  // Sorts, drops 0; of two attributes with one key the last given wins.
  Index intern_attribute_set(std::span<const Index> attributes);

  // Convenience: key and value interned together.
  Index string_attribute(std::string_view key, std::string_view value);
  Index int_attribute(std::string_view key, std::int64_t value, std::string_view unit = {});

  // The entry equal to the argument, or 0.
  Index find_string(std::string_view text) const;
  Index find_attribute(const Attribute& attribute) const;

  std::string_view string(Index index) const;
  // Whole tables, entry 0 first. Each is valid until the next intern_*() into the same table.
  std::span<const Mapping> mappings() const;
  std::span<const Function> functions() const;
  std::span<const Location> locations() const;
  std::span<const Stack> stacks() const;
  std::span<const Link> links() const;
  std::span<const Attribute> attributes() const;
  std::span<const AttributeSet> attribute_sets() const;
  std::size_t string_count() const;

  // Bytes held by the tables, for the agent's memory budget.
  std::size_t memory_bytes() const;

 private:
  struct Tables;
  Tables* tables_;
};

}  // namespace otprof::encoder
