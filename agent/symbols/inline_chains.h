// SPDX-License-Identifier: Apache-2.0
//
// Addresses -> the function they are in and the functions inlined there, from the entries of one
// unit (DW_TAG_subprogram and, nested in it, DW_TAG_inlined_subroutine). The entries pass by, and
// only those that cover an address are kept. Background thread only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "agent/symbols/debug_ranges.h"
#include "agent/symbols/debug_unit.h"

namespace otprof::symbols {

inline constexpr std::uint32_t kNoScope = UINT32_MAX;

struct ScopeQuery {
  std::uint64_t address = 0;       // in the file's own view
  std::uint32_t scope = kNoScope;  // the innermost one
};

struct Scope {
  std::uint32_t parent = kNoScope;  // what it was inlined into; none: a function of its own
  AttributeValue name_from;         // the entry that tells its name
  std::uint32_t call_file = 0;      // where it was inlined; for LineProgram::path()
  std::uint32_t call_line = 0;
  std::uint64_t bytes = 0;  // of the range that held an address last
};

class InlineChains {
 public:
  // All must outlive the object.
  InlineChains(DebugSections& sections, const DebugUnit& unit,
               const AbbreviationTable& abbreviations)
      : sections_(sections), unit_(unit), abbreviations_(abbreviations) {}

  // `queries` ascending by address. False when the unit is malformed or asks for more work than any
  // sane one; what was found stands.
  bool run(std::span<ScopeQuery> queries);
  const Scope& scope(std::uint32_t index) const { return scopes_[index]; }

  // Deeper nesting of entries is taken for corruption.
  static constexpr std::size_t kMaxDepth = 1024;

 private:
  bool walk(bool skips);
  bool add(const DebugEntry& entry, std::uint32_t enclosing, std::uint32_t& scope);

  DebugSections& sections_;
  const DebugUnit& unit_;
  const AbbreviationTable& abbreviations_;
  std::span<ScopeQuery> queries_;
  std::vector<Scope> scopes_;
  std::size_t max_scopes_ = 0;
};

}  // namespace otprof::symbols
