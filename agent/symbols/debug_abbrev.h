// SPDX-License-Identifier: Apache-2.0
//
// How the entries of a DWARF unit are laid out (.debug_abbrev), compiled into what a reader of
// functions and lines needs: the attributes it wants, and how many bytes lie between them.
// Background thread only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "agent/symbols/debug_sections.h"

namespace otprof::symbols {

// Attributes that somebody here asks for.
enum class Wanted : std::uint8_t {
  kSibling,
  kName,
  kLinkageName,
  kLowPc,
  kHighPc,
  kRanges,
  kAbstractOrigin,
  kSpecification,
  kCallFile,
  kCallLine,
  kStmtList,
  kCompDir,
  kStrOffsetsBase,
  kAddrBase,
  kRngListsBase,
  kNothing,
};
inline constexpr std::size_t kWantedAttributes = 15;

// What decides the size of a form.
struct UnitFormat {
  std::uint16_t version = 0;
  std::uint8_t offset_size = 4;
  bool operator==(const UnitFormat&) const = default;
};

// One step of reading an entry.
struct AttributeStep {
  std::uint16_t form = 0;  // 0: skip `value` bytes
  Wanted wanted = Wanted::kNothing;
  std::int64_t value = 0;  // of a form whose value is in the abbreviation
};

struct Abbreviation {
  std::uint64_t code = 0;
  std::uint32_t first_step = 0;
  std::uint16_t steps = 0;
  std::uint16_t tag = 0;
  bool has_children = false;
};

class AbbreviationTable {
 public:
  // False when the table is malformed or has more entries than kMaxSteps. Reading the table that is
  // already there costs nothing: units of one file often share one.
  bool read(DebugSections& sections, std::uint64_t offset, UnitFormat format);
  // Null if there is no such code.
  const Abbreviation* find(std::uint64_t code) const;
  std::span<const AttributeStep> steps(const Abbreviation& abbreviation) const {
    return std::span(steps_).subspan(abbreviation.first_step, abbreviation.steps);
  }

  // The largest of real programs have some thousands.
  static constexpr std::size_t kMaxSteps = 65536;

 private:
  bool read_entries(DebugSections& sections, std::uint64_t offset, UnitFormat format);

  std::vector<Abbreviation> entries_;  // ascending by code
  std::vector<AttributeStep> steps_;
  std::uint64_t offset_ = UINT64_MAX;
  UnitFormat format_;
};

}  // namespace otprof::symbols
