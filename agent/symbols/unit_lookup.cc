// SPDX-License-Identifier: Apache-2.0
#include "agent/symbols/unit_lookup.h"

#include <algorithm>

#include "agent/symbols/debug_ranges.h"
#include "agent/symbols/debug_unit.h"
#include "agent/symbols/dwarf_names.h"

namespace otprof::symbols {
namespace {

class Search {
 public:
  Search(DebugSections& sections, std::span<const std::uint64_t> addresses)
      : sections_(sections), addresses_(addresses), units_(addresses.size(), kNoUnit) {}

  bool done() const { return open() == 0; }
  std::vector<std::uint64_t> take() { return std::move(units_); }

  void read_aranges() {
    const std::uint64_t end = sections_.size(DebugSection::kAranges);
    for (std::uint64_t offset = 0; offset < end && !done();) {
      DebugCursor cursor(sections_, DebugSection::kAranges, offset);
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
        while (cursor.position() + 16 <= next && cursor.ok()) {
          const std::uint64_t start = cursor.u64();
          const std::uint64_t size = cursor.u64();
          if (start == 0 && size == 0) break;
          if (!note({start, start + size}, unit)) return;
        }
      }
      offset = next;
    }
  }

  void read_units() {
    AbbreviationTable abbreviations;
    const std::uint64_t end = sections_.size(DebugSection::kInfo);
    for (std::uint64_t offset = 0; offset < end && !done();) {
      auto unit = read_unit_header(sections_, offset);
      if (!unit) return;
      offset = unit->limit;
      const bool has_code = unit->type == dwarf::kUnitCompile || unit->type == dwarf::kUnitSkeleton;
      if (!has_code || !read_root(sections_, abbreviations, *unit)) continue;
      RangeReader ranges(sections_, *unit, unit->low_pc, unit->high_pc, unit->ranges);
      for (CodeRange range; ranges.next(range);) {
        if (!note(range, unit->offset)) return;
      }
    }
  }

 private:
  std::size_t open() const { return addresses_.size() - found_; }

  // False when the file asks for more work than it may.
  bool note(CodeRange range, std::uint64_t unit) {
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

  DebugSections& sections_;
  std::span<const std::uint64_t> addresses_;
  std::vector<std::uint64_t> units_;
  std::size_t found_ = 0;
};

}  // namespace

std::vector<std::uint64_t> find_units(DebugSections& sections,
                                      std::span<const std::uint64_t> addresses) {
  Search search(sections, addresses);
  search.read_aranges();
  if (!search.done()) search.read_units();
  return search.take();
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
