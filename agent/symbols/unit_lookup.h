// SPDX-License-Identifier: Apache-2.0
//
// Which unit of .debug_info describes an address: .debug_aranges says it where the compiler wrote
// one (gcc does), the first entries of all units where not (clang). Either is read in one pass for
// all addresses, and nothing is kept. Background thread only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "agent/symbols/debug_sections.h"

namespace otprof::symbols {

inline constexpr std::uint64_t kNoUnit = UINT64_MAX;

// The offset of each address's unit, or kNoUnit. `addresses` ascending, in the file's own view.
std::vector<std::uint64_t> find_units(DebugSections& sections,
                                      std::span<const std::uint64_t> addresses);

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
