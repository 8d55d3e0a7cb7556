// SPDX-License-Identifier: Apache-2.0
//
// The tables of one pprof file: the entries that its samples reach, numbered from 1 in the order of
// first use, the labels of its samples, and what the file as a whole says of each mapping.
// One thread at a time; allocates.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "encoder/dictionary.h"
#include "encoder/pprof.pb.h"
#include "encoder/remap.h"

namespace otprof::encoder {

// The string table: strings of the dictionary, and such as no dictionary entry has.
class PprofStrings {
 public:
  explicit PprofStrings(const Dictionary& dictionary);

  std::int64_t add(Index from);
  std::int64_t add_text(std::string_view text);
  std::int64_t operator[](Index from) const { return to_[from]; }
  std::span<const std::string_view> texts() const { return texts_; }

 private:
  const Dictionary& dictionary_;
  std::vector<Index> to_;
  std::vector<std::string_view> texts_;
  std::deque<std::string> extra_;  // never moves its elements
  std::unordered_map<std::string_view, Index> extra_index_;
};

// What holds for all locations of one mapping.
struct MappingFacts {
  bool functions = false;
  bool filenames = false;
  bool line_numbers = false;
  bool inline_frames = false;  // for any of them
  bool seen = false;
};

class PprofTables {
 public:
  PprofTables(const Dictionary& dictionary, const Profile& profile);

  const Dictionary& dictionary() const { return dictionary_; }
  const PprofStrings& strings() const { return strings_; }
  const Remap& mappings() const { return mappings_; }
  const Remap& functions() const { return functions_; }
  const Remap& locations() const { return locations_; }
  const MappingFacts& facts(Index mapping) const { return facts_[mapping]; }

  // The labels of one sample, at most one for each key; valid until the next call.
  std::span<const pprof_Label> labels(const Sample& sample) const;

 private:
  struct LinkLabels {
    std::int64_t trace_id = 0;
    std::int64_t span_id = 0;
  };

  void add_value_type(const ValueType& type);
  void add_mapping(Index mapping);
  void add_location(Index location);
  void add_link(Index link);
  void add_attribute(Index attribute);

  const Dictionary& dictionary_;
  PprofStrings strings_;
  Remap mappings_, functions_, locations_, stacks_, links_, attributes_;
  std::vector<MappingFacts> facts_;                // by mapping of the dictionary
  std::vector<LinkLabels> link_labels_;            // by link of the dictionary
  std::vector<pprof_Label> attributes_as_labels_;  // by attribute of the dictionary; key 0: none
  std::int64_t trace_id_key_ = 0;
  std::int64_t span_id_key_ = 0;
  mutable std::vector<pprof_Label> labels_;
};

}  // namespace otprof::encoder
