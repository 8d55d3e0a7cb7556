// SPDX-License-Identifier: Apache-2.0
#include "encoder/dictionary.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "encoder/arena.h"
#include "encoder/attribute_keys.h"
#include "encoder/hash_index.h"
#include "encoder/utf8.h"

namespace otprof::encoder {
namespace {

template <class T>
bool same(std::span<const T> a, std::span<const T> b) {
  return std::ranges::equal(a, b);
}

std::uint64_t hash_of(std::string_view text) { return std::hash<std::string_view>{}(text); }

std::uint64_t hash_of(const Mapping& m) {
  std::uint64_t h = hash_mix(m.memory_start, m.memory_limit);
  h = hash_mix(h, m.file_offset);
  h = hash_mix(h, m.filename);
  h = hash_mix(h, m.build_id_gnu);
  return hash_mix(h, m.build_id_htl);
}

std::uint64_t hash_of(const Function& f) {
  std::uint64_t h = hash_mix(f.name, f.system_name);
  h = hash_mix(h, f.filename);
  return hash_mix(h, static_cast<std::uint64_t>(f.start_line));
}

std::uint64_t hash_of(const Location& l) {
  std::uint64_t h = hash_mix(l.mapping, l.address);
  h = hash_mix(h, l.frame_type);
  for (const Line& line : l.lines) {
    h = hash_mix(h, line.function);
    h = hash_mix(h, static_cast<std::uint64_t>(line.line));
    h = hash_mix(h, static_cast<std::uint64_t>(line.column));
  }
  return h;
}

std::uint64_t hash_of(std::span<const Index> indices) {
  std::uint64_t h = indices.size();
  for (const Index index : indices) h = hash_mix(h, index);
  return h;
}

std::uint64_t hash_of(const Link& link) {
  std::uint64_t h = 0;
  for (const std::uint8_t byte : link.trace_id) h = hash_mix(h, byte);
  for (const std::uint8_t byte : link.span_id) h = hash_mix(h, byte);
  return h;
}

std::uint64_t hash_of(const Attribute& a) {
  std::uint64_t h = hash_mix(a.key, a.unit);
  h = hash_mix(h, a.value.index());
  if (const Index* text = std::get_if<Index>(&a.value)) return hash_mix(h, *text);
  return hash_mix(h, static_cast<std::uint64_t>(*std::get_if<std::int64_t>(&a.value)));
}

// The entries in index order, and how to find one by value.
template <class Entry>
struct Table {
  std::vector<Entry> entries{Entry{}};
  HashIndex index;

  template <class Equal>
  Index find(std::uint64_t hash, const Equal& equal) const {
    return index.find(hash, [&](Index i) { return equal(entries[i]); });
  }

  Index append(std::uint64_t hash, const Entry& entry) {
    const auto at = static_cast<Index>(entries.size());
    entries.push_back(entry);
    index.insert(hash, at);
    return at;
  }

  // For entries that hold all of their value themselves.
  Index intern(const Entry& entry) {
    const std::uint64_t hash = hash_of(entry);
    const Index found = find(hash, [&](const Entry& other) { return other == entry; });
    return found != 0 ? found : append(hash, entry);
  }

  std::size_t memory_bytes() const {
    return entries.capacity() * sizeof(Entry) + index.memory_bytes();
  }
};

bool all_zero(std::span<const std::uint8_t> bytes) {
  return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

}  // namespace

struct Dictionary::Tables {
  Table<std::string_view> strings;
  Table<Mapping> mappings;
  Table<Function> functions;
  Table<Location> locations;
  Table<Stack> stacks;
  Table<Link> links;
  Table<Attribute> attributes;
  Table<AttributeSet> attribute_sets;

  Arena<char> text;
  Arena<Line> lines;
  Arena<Index> indices;  // of stacks and attribute sets

  Index frame_type_key = 0;
  // Kept between calls of intern_attribute_set so that it allocates only while they grow.
  std::vector<std::pair<Index, std::size_t>> key_order;
  std::vector<Index> set;
};

Dictionary::Dictionary() : tables_(new Tables) {
  tables_->frame_type_key = intern_string(kFrameTypeKey);
}

Dictionary::~Dictionary() { delete tables_; }

Dictionary::Dictionary(Dictionary&& other) noexcept
    : tables_(std::exchange(other.tables_, nullptr)) {}

Dictionary& Dictionary::operator=(Dictionary&& other) noexcept {
  std::swap(tables_, other.tables_);
  return *this;
}

Index Dictionary::intern_string(std::string_view text) {
  if (text.empty()) return 0;
  if (!is_utf8(text)) return intern_string(sanitise_utf8(text));
  const std::uint64_t hash = hash_of(text);
  const Index found = tables_->strings.find(hash, [&](std::string_view s) { return s == text; });
  if (found != 0) return found;
  const std::span<const char> kept = tables_->text.copy(std::span(text.data(), text.size()));
  return tables_->strings.append(hash, std::string_view(kept.data(), kept.size()));
}

Index Dictionary::intern_mapping(const Mapping& mapping) {
  if (mapping == Mapping{}) return 0;
  if (mapping.build_id_gnu != 0) {
    intern_attribute({.key = intern_string(kBuildIdGnuKey), .value = mapping.build_id_gnu});
  }
  if (mapping.build_id_htl != 0) {
    intern_attribute({.key = intern_string(kBuildIdHtlKey), .value = mapping.build_id_htl});
  }
  return tables_->mappings.intern(mapping);
}

Index Dictionary::intern_function(const Function& function) {
  if (function.name == 0 && function.system_name == 0 && function.filename == 0) return 0;
  return tables_->functions.intern(function);
}

Index Dictionary::intern_location(const Location& location) {
  const auto equal = [&](const Location& other) {
    return other.mapping == location.mapping && other.address == location.address &&
           other.frame_type == location.frame_type && same(other.lines, location.lines);
  };
  if (equal(Location{})) return 0;
  const std::uint64_t hash = hash_of(location);
  const Index found = tables_->locations.find(hash, equal);
  if (found != 0) return found;
  if (location.frame_type != 0) {
    intern_attribute({.key = tables_->frame_type_key, .value = location.frame_type});
  }
  Location kept = location;
  kept.lines = tables_->lines.copy(location.lines);
  return tables_->locations.append(hash, kept);
}

Index Dictionary::intern_stack(std::span<const Index> locations_leaf_first) {
  if (locations_leaf_first.empty()) return 0;
  const std::uint64_t hash = hash_of(locations_leaf_first);
  const Index found = tables_->stacks.find(
      hash, [&](const Stack& other) { return same(other.locations, locations_leaf_first); });
  if (found != 0) return found;
  return tables_->stacks.append(hash, Stack{tables_->indices.copy(locations_leaf_first)});
}

Index Dictionary::intern_link(const Link& link) {
  if (all_zero(link.trace_id) || all_zero(link.span_id)) return 0;
  return tables_->links.intern(link);
}

Index Dictionary::intern_attribute(const Attribute& attribute) {
  if (attribute.key == 0) return 0;
  return tables_->attributes.intern(attribute);
}

Index Dictionary::intern_attribute_set(std::span<const Index> attributes) {
  const std::vector<Attribute>& table = tables_->attributes.entries;
  auto& key_order = tables_->key_order;
  key_order.clear();
  for (std::size_t i = 0; i < attributes.size(); ++i) {
    if (attributes[i] != 0) key_order.emplace_back(table[attributes[i]].key, i);
  }
  std::ranges::sort(key_order);
  auto& set = tables_->set;
  set.clear();
  for (std::size_t i = 0; i < key_order.size(); ++i) {
    const bool last_of_key =
        i + 1 == key_order.size() || key_order[i + 1].first != key_order[i].first;
    if (last_of_key) set.push_back(attributes[key_order[i].second]);
  }
  if (set.empty()) return 0;
  std::ranges::sort(set);
  const std::span<const Index> wanted(set);
  const std::uint64_t hash = hash_of(wanted);
  const Index found = tables_->attribute_sets.find(
      hash, [&](const AttributeSet& other) { return same(other.attributes, wanted); });
  if (found != 0) return found;
  return tables_->attribute_sets.append(hash, AttributeSet{tables_->indices.copy(wanted)});
}

Index Dictionary::string_attribute(std::string_view key, std::string_view value) {
  return intern_attribute({.key = intern_string(key), .value = intern_string(value)});
}

Index Dictionary::int_attribute(std::string_view key, std::int64_t value, std::string_view unit) {
  return intern_attribute({.key = intern_string(key), .value = value, .unit = intern_string(unit)});
}

Index Dictionary::find_string(std::string_view text) const {
  return tables_->strings.find(hash_of(text), [&](std::string_view s) { return s == text; });
}

Index Dictionary::find_attribute(const Attribute& attribute) const {
  return tables_->attributes.find(hash_of(attribute),
                                  [&](const Attribute& other) { return other == attribute; });
}

std::string_view Dictionary::string(Index index) const { return tables_->strings.entries[index]; }
std::span<const Mapping> Dictionary::mappings() const { return tables_->mappings.entries; }
std::span<const Function> Dictionary::functions() const { return tables_->functions.entries; }
std::span<const Location> Dictionary::locations() const { return tables_->locations.entries; }
std::span<const Stack> Dictionary::stacks() const { return tables_->stacks.entries; }
std::span<const Link> Dictionary::links() const { return tables_->links.entries; }
std::span<const Attribute> Dictionary::attributes() const { return tables_->attributes.entries; }
std::span<const AttributeSet> Dictionary::attribute_sets() const {
  return tables_->attribute_sets.entries;
}
std::size_t Dictionary::string_count() const { return tables_->strings.entries.size(); }

std::size_t Dictionary::memory_bytes() const {
  const Tables& t = *tables_;
  return sizeof t + t.strings.memory_bytes() + t.mappings.memory_bytes() +
         t.functions.memory_bytes() + t.locations.memory_bytes() + t.stacks.memory_bytes() +
         t.links.memory_bytes() + t.attributes.memory_bytes() + t.attribute_sets.memory_bytes() +
         t.text.memory_bytes() + t.lines.memory_bytes() + t.indices.memory_bytes();
}

}  // namespace otprof::encoder
