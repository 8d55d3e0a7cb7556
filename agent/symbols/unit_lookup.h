// SPDX-License-Identifier: Apache-2.0
//
// Which unit of .debug_info describes an address: .debug_aranges says it where the compiler wrote
// one (gcc does), the first entries of the other units where not (clang). Either is read in one pass
// for all addresses. Background thread only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "agent/symbols/debug_ranges.h"
#include "agent/symbols/debug_sections.h"

namespace otprof::symbols {

inline constexpr std::uint64_t kNoUnit = UINT64_MAX;

// The unit of each address. The first entries cost far more to read than .debug_aranges, and some
// address that no unit has is in most windows (the first function of every program is one): what the
// latter tells is to be used before the former are read.
class UnitSearch {
 public:
  // `addresses` ascending, in the file's own view; they and `sections` must outlive the object.
  UnitSearch(DebugSections& sections, std::span<const std::uint64_t> addresses)
      : sections_(sections), addresses_(addresses), units_(addresses.size(), kNoUnit) {}

  // Whether all are found.
  bool done() const { return found_ == addresses_.size(); }
  // The offset of each address's unit, or kNoUnit.
  const std::vector<std::uint64_t>& units() const { return units_; }

  void read_aranges();
  // Of the units that .debug_aranges has nothing of. Leaves half of the budget to what reads those
  // that are found.
  void read_units();
  // Whether there were more than that.
  bool cut_short() const { return cut_short_; }

  // 8 bytes each; with more, those beyond count as not in .debug_aranges.
  static constexpr std::size_t kMaxListed = 131072;

 private:
  // False when the file asks for more work than it may.
  bool note(CodeRange range, std::uint64_t unit);

  DebugSections& sections_;
  std::span<const std::uint64_t> addresses_;
  std::vector<std::uint64_t> units_;
  std::vector<std::uint64_t> listed_;  // in .debug_aranges
  std::size_t found_ = 0;
  bool cut_short_ = false;
};

// The offset of the unit that holds an offset of .debug_info. Headers are read up to there the
// first time that one is asked for.
class UnitIndex {
 public:
  explicit UnitIndex(DebugSections& sections) : sections_(sections) {}
  std::uint64_t unit_of(std::uint64_t offset);

  // 8 bytes each; a file with more is not read beyond.
  static constexpr std::size_t kMaxUnits = 131072;

 private:
  DebugSections& sections_;
  std::vector<std::uint64_t> units_;
  std::uint64_t read_to_ = 0;
};

}  // namespace otprof::symbols
