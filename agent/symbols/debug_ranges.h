// SPDX-License-Identifier: Apache-2.0
//
// Which addresses an entry covers: DW_AT_low_pc and DW_AT_high_pc, or a list in .debug_ranges
// (DWARF 4) or .debug_rnglists (DWARF 5). Background thread only.
#pragma once

#include <cstdint>

#include "agent/symbols/debug_unit.h"

namespace otprof::symbols {

struct CodeRange {
  std::uint64_t start = 0;
  std::uint64_t limit = 0;
};

// Hands out the ranges of an entry, one at a time. What a linker dropped begins at 0, 1 or near the
// top: such ranges are handed out as they are, and empty ones are not.
class RangeReader {
 public:
  RangeReader(DebugSections& sections, const DebugUnit& unit, const AttributeValue& low,
              const AttributeValue& high, const AttributeValue& ranges);

  // False at the end, also when the list is damaged.
  bool next(CodeRange& range);

 private:
  bool begin_list(const AttributeValue& ranges);
  bool next_pair(CodeRange& range);
  bool next_entry(CodeRange& range, bool& is_range);
  std::uint64_t indexed(std::uint64_t index) const;

  DebugSections& sections_;
  const DebugUnit& unit_;
  CodeRange only_;
  std::optional<DebugCursor> list_;
  std::uint64_t base_ = 0;
};

}  // namespace otprof::symbols
