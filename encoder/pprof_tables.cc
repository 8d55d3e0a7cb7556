// SPDX-License-Identifier: Apache-2.0
#include "encoder/pprof_tables.h"

#include "encoder/attribute_keys.h"

namespace otprof::encoder {
namespace {

std::string hex(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace

PprofStrings::PprofStrings(const Dictionary& dictionary)
    : dictionary_(dictionary), to_(dictionary.string_count()), texts_{std::string_view{}} {}

std::int64_t PprofStrings::add(Index from) {
  if (from != 0 && to_[from] == 0) {
    to_[from] = static_cast<Index>(texts_.size());
    texts_.push_back(dictionary_.string(from));
  }
  return to_[from];
}

std::int64_t PprofStrings::add_text(std::string_view text) {
  if (const Index known = dictionary_.find_string(text); known != 0 || text.empty()) {
    return add(known);
  }
  if (const auto known = extra_index_.find(text); known != extra_index_.end()) {
    return known->second;
  }
  const auto at = static_cast<Index>(texts_.size());
  texts_.push_back(extra_.emplace_back(text));
  extra_index_.emplace(texts_.back(), at);
  return at;
}

PprofTables::PprofTables(const Dictionary& dictionary, const Profile& profile)
    : dictionary_(dictionary),
      strings_(dictionary),
      mappings_(dictionary.mappings().size()),
      functions_(dictionary.functions().size()),
      locations_(dictionary.locations().size()),
      stacks_(dictionary.stacks().size()),
      links_(dictionary.links().size()),
      attributes_(dictionary.attributes().size()),
      facts_(dictionary.mappings().size()),
      link_labels_(dictionary.links().size()),
      attributes_as_labels_(dictionary.attributes().size()) {
  for (const ValueType& type : profile.sample_types) add_value_type(type);
  add_value_type(profile.pprof_period_type);
  for (const Index comment : profile.comments) strings_.add(comment);
  if (dictionary.mappings().size() > 1) add_mapping(1);
  for (const Sample& sample : profile.samples) {
    if (stacks_.add(sample.stack)) {
      for (const Index location : dictionary.stacks()[sample.stack].locations) {
        add_location(location);
      }
    }
    add_link(sample.link);
    for (const Index attribute : dictionary.attribute_sets()[sample.attributes].attributes) {
      add_attribute(attribute);
    }
  }
}

void PprofTables::add_value_type(const ValueType& type) {
  strings_.add(type.type);
  strings_.add(type.unit);
}

void PprofTables::add_mapping(Index mapping) {
  if (!mappings_.add(mapping)) return;
  strings_.add(dictionary_.mappings()[mapping].filename);
  strings_.add(dictionary_.mappings()[mapping].build_id_gnu);
}

void PprofTables::add_location(Index location) {
  if (!locations_.add(location)) return;
  const Location& entry = dictionary_.locations()[location];
  add_mapping(entry.mapping);
  MappingFacts& facts = facts_[entry.mapping];
  if (!facts.seen)
    facts = {.functions = true,
             .filenames = true,
             .line_numbers = true,
             .inline_frames = false,
             .seen = true};
  std::size_t lines = 0;
  for (const Line& line : entry.lines) {
    if (line.function == 0) continue;
    ++lines;
    const Function& function = dictionary_.functions()[line.function];
    if (function.filename == 0) facts.filenames = false;
    if (line.line == 0) facts.line_numbers = false;
    if (!functions_.add(line.function)) continue;
    strings_.add(function.name);
    strings_.add(function.system_name);
    strings_.add(function.filename);
  }
  if (lines == 0) facts.functions = facts.filenames = facts.line_numbers = false;
  if (lines > 1) facts.inline_frames = true;
}

void PprofTables::add_link(Index link) {
  if (!links_.add(link)) return;
  trace_id_key_ = strings_.add_text(kTraceIdLabel);
  span_id_key_ = strings_.add_text(kSpanIdLabel);
  const Link& entry = dictionary_.links()[link];
  link_labels_[link] = {.trace_id = strings_.add_text(hex(entry.trace_id)),
                        .span_id = strings_.add_text(hex(entry.span_id))};
}

void PprofTables::add_attribute(Index attribute) {
  if (!attributes_.add(attribute)) return;
  const Attribute& entry = dictionary_.attributes()[attribute];
  if (dictionary_.string(entry.key).starts_with("pprof::")) return;
  pprof_Label label{};
  if (const std::int64_t* number = std::get_if<std::int64_t>(&entry.value)) {
    const std::string_view unit = dictionary_.string(entry.unit);
    label.num = *number;
    label.num_unit = unit == "By" ? strings_.add_text("bytes") : strings_.add(entry.unit);
    if (label.num == 0 && label.num_unit == 0) label.num_unit = strings_.add(entry.key);
  } else {
    label.str = strings_.add(*std::get_if<Index>(&entry.value));
    if (label.str == 0) return;
  }
  label.key = strings_.add(entry.key);
  attributes_as_labels_[attribute] = label;
}

std::span<const pprof_Label> PprofTables::labels(const Sample& sample) const {
  labels_.clear();
  const bool linked = sample.link != 0;
  if (linked) {
    const LinkLabels& link = link_labels_[sample.link];
    labels_.push_back({.key = trace_id_key_, .str = link.trace_id, .num = 0, .num_unit = 0});
    labels_.push_back({.key = span_id_key_, .str = link.span_id, .num = 0, .num_unit = 0});
  }
  for (const Index attribute : dictionary_.attribute_sets()[sample.attributes].attributes) {
    const pprof_Label& label = attributes_as_labels_[attribute];
    const bool taken = linked && (label.key == trace_id_key_ || label.key == span_id_key_);
    if (label.key != 0 && !taken) labels_.push_back(label);
  }
  return labels_;
}

}  // namespace otprof::encoder
