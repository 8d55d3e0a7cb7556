// SPDX-License-Identifier: Apache-2.0
//
// Units of .debug_info and their entries, DWARF 2 to 5: headers, attributes, and what attribute
// values refer to in other sections. Background thread only.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/symbols/debug_abbrev.h"
#include "agent/symbols/debug_cursor.h"
#include "agent/symbols/debug_sections.h"

namespace otprof::symbols {

struct AttributeValue {
  enum class Kind : std::uint8_t {
    kNone,
    kNumber,
    kAddress,
    kAddressIndex,
    kString,        // offset in .debug_str
    kLineString,    // in .debug_line_str
    kInlineString,  // in .debug_info
    kStringIndex,
    kReference,     // offset in .debug_info
    kAltReference,  // in that of the file which .gnu_debugaltlink names
    kAltString,
    kRangesIndex,
  };
  Kind kind = Kind::kNone;
  std::uint64_t value = 0;
};

struct DebugUnit {
  std::uint64_t offset = 0;  // in .debug_info, of the header
  std::uint64_t first_entry = 0;
  std::uint64_t limit = 0;  // one past the last byte
  std::uint64_t abbreviations = 0;
  UnitFormat format;
  std::uint8_t type = 0;  // DW_UT_*; a compile unit before DWARF 5

  // Of the first entry; see read_root().
  std::uint64_t str_offsets_base = 0;
  std::uint64_t addr_base = 0;
  std::uint64_t rnglists_base = 0;
  std::optional<std::uint64_t> line_program;  // offset in .debug_line
  AttributeValue directory;                   // where the compiler ran
  AttributeValue low_pc, high_pc, ranges;
};

struct DebugEntry {
  std::uint64_t offset = 0;
  std::uint16_t tag = 0;
  bool has_children = false;

  AttributeValue operator[](Wanted attribute) const {
    return (present & bit(attribute)) != 0 ? values[static_cast<std::size_t>(attribute)]
                                           : AttributeValue();
  }
  static std::uint32_t bit(Wanted attribute) {
    return std::uint32_t{1} << static_cast<unsigned>(attribute);
  }

  std::uint32_t present = 0;
  std::array<AttributeValue, kWantedAttributes> values;  // those that are present
};

// Reads a unit's header. Nothing when it is malformed, or of another address size; then nothing
// behind it can be read either.
std::optional<DebugUnit> read_unit_header(DebugSections& sections, std::uint64_t offset);

// Reads the unit's abbreviations and its first entry.
bool read_root(DebugSections& sections, AbbreviationTable& abbreviations, DebugUnit& unit);

enum class EntryKind : std::uint8_t { kEntry, kEndOfSiblings, kDamaged };

// The entry at the cursor, and the cursor behind it.
EntryKind read_entry(DebugCursor& cursor, const DebugUnit& unit,
                     const AbbreviationTable& abbreviations, DebugEntry& entry);

// The address that a value stands for.
std::optional<std::uint64_t> address_of(DebugSections& sections, const DebugUnit& unit,
                                        const AttributeValue& value);
// At most `max` bytes; empty if the value is no string.
std::string string_of(DebugSections& sections, const DebugUnit& unit, const AttributeValue& value,
                      std::size_t max);

}  // namespace otprof::symbols
