// SPDX-License-Identifier: Apache-2.0
#include "agent/symbols/unit_lookup.h"

#include <algorithm>

#include "agent/symbols/debug_unit.h"
#include "agent/symbols/dwarf_names.h"

namespace otprof::symbols {

void UnitSearch::read_aranges() {
  const std::uint64_t end = sections_.size(DebugSection::kAranges);
  DebugCursor cursor(sections_, DebugSection::kAranges, 0);
  while (!cursor.at_end() && !done()) {
    const std::uint64_t offset = cursor.position();
    std::uint8_t offset_size = 4;
    const std::uint64_t length = cursor.initial_length(offset_size);
    if (!cursor.ok() || length > end - cursor.position()) return;
    const std::uint64_t next = cursor.position() + length;
    const std::uint16_t version = cursor.u16();
    const std::uint64_t unit = cursor.offset(offset_size);
    const std::uint8_t address_size = cursor.u8();
    const std::uint8_t segment_size = cursor.u8();
    if (version == 2 && address_size == 8 && segment_size == 0) {
      // Pairs are aligned to their own size, counted from the header's beginning.
      cursor.seek(offset + (cursor.position() - offset + 15) / 16 * 16);
      bool has_code = false;
      while (cursor.position() + 16 <= next && cursor.ok()) {
        const std::uint64_t start = cursor.u64();
        const std::uint64_t size = cursor.u64();
        if (start == 0 && size == 0) break;
        if (!note({start, start + size}, unit)) return;
        has_code = true;
      }
      if (has_code && cursor.ok() && listed_.size() < kMaxListed) listed_.push_back(unit);
    }
    cursor.seek(next);
  }
}

void UnitSearch::read_units() {
  AbbreviationTable abbreviations;
  const std::uint64_t reserve = sections_.budget().left() / 2;
  const std::uint64_t end = sections_.size(DebugSection::kInfo);
  std::ranges::sort(listed_);
  for (std::uint64_t offset = 0; offset < end && !done();) {
    if (sections_.budget().left() < reserve) {
      cut_short_ = true;
      return;
    }
    auto unit = read_unit_header(sections_, offset);
    if (!unit) return;
    offset = unit->limit;
    const bool has_code = unit->type == dwarf::kUnitCompile || unit->type == dwarf::kUnitSkeleton;
    if (!has_code || std::ranges::binary_search(listed_, unit->offset) ||
        !read_root(sections_, abbreviations, *unit)) {
      continue;
    }
    RangeReader ranges(sections_, *unit, unit->low_pc, unit->high_pc, unit->ranges);
    for (CodeRange range; ranges.next(range);) {
      if (!note(range, unit->offset)) return;
    }
  }
}

bool UnitSearch::note(CodeRange range, std::uint64_t unit) {
  const auto first = std::ranges::lower_bound(addresses_, range.start);
  if (first == addresses_.end() || *first >= range.limit) return true;
  // What the linker dropped keeps its size but lies where no code is.
  if (sections_.elf().code_section(range.start) == nullptr) return true;
  for (auto i = static_cast<std::size_t>(first - addresses_.begin());
       i < addresses_.size() && addresses_[i] < range.limit; ++i) {
    if (!sections_.budget().take(1)) return false;
    if (units_[i] != kNoUnit) continue;
    units_[i] = unit;
    ++found_;
  }
  return true;
}

std::uint64_t UnitIndex::unit_of(std::uint64_t offset) {
  while (read_to_ <= offset && units_.size() < kMaxUnits) {
    const auto unit = read_unit_header(sections_, read_to_);
    if (!unit) return kNoUnit;
    units_.push_back(unit->offset);
    read_to_ = unit->limit;
  }
  if (offset >= read_to_) return kNoUnit;
  return *std::prev(std::ranges::upper_bound(units_, offset));
}

}  // namespace otprof::symbols
