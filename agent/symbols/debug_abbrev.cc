// SPDX-License-Identifier: Apache-2.0
#include "agent/symbols/debug_abbrev.h"

#include <algorithm>
#include <optional>

#include "agent/symbols/debug_cursor.h"
#include "agent/symbols/dwarf_names.h"

namespace otprof::symbols {
namespace {

Wanted wanted(std::uint64_t attribute) {
  switch (attribute) {
    case dwarf::kAtSibling: return Wanted::kSibling;
    case dwarf::kAtName: return Wanted::kName;
    case dwarf::kAtLinkageName:
    case dwarf::kAtMipsLinkageName: return Wanted::kLinkageName;
    case dwarf::kAtLowPc: return Wanted::kLowPc;
    case dwarf::kAtHighPc: return Wanted::kHighPc;
    case dwarf::kAtRanges: return Wanted::kRanges;
    case dwarf::kAtAbstractOrigin: return Wanted::kAbstractOrigin;
    case dwarf::kAtSpecification: return Wanted::kSpecification;
    case dwarf::kAtCallFile: return Wanted::kCallFile;
    case dwarf::kAtCallLine: return Wanted::kCallLine;
    case dwarf::kAtStmtList: return Wanted::kStmtList;
    case dwarf::kAtCompDir: return Wanted::kCompDir;
    case dwarf::kAtStrOffsetsBase: return Wanted::kStrOffsetsBase;
    case dwarf::kAtAddrBase: return Wanted::kAddrBase;
    case dwarf::kAtRngListsBase: return Wanted::kRngListsBase;
    default: return Wanted::kNothing;
  }
}

// Bytes of a form that always has as many.
std::optional<std::uint8_t> fixed_size(std::uint16_t form, UnitFormat format) {
  switch (form) {
    case dwarf::kFormFlagPresent:
    case dwarf::kFormImplicitConst: return 0;
    case dwarf::kFormData1:
    case dwarf::kFormRef1:
    case dwarf::kFormFlag:
    case dwarf::kFormStrx1:
    case dwarf::kFormAddrx1: return 1;
    case dwarf::kFormData2:
    case dwarf::kFormRef2:
    case dwarf::kFormStrx2:
    case dwarf::kFormAddrx2: return 2;
    case dwarf::kFormStrx3:
    case dwarf::kFormAddrx3: return 3;
    case dwarf::kFormData4:
    case dwarf::kFormRef4:
    case dwarf::kFormRefSup4:
    case dwarf::kFormStrx4:
    case dwarf::kFormAddrx4: return 4;
    case dwarf::kFormAddr:
    case dwarf::kFormData8:
    case dwarf::kFormRef8:
    case dwarf::kFormRefSig8:
    case dwarf::kFormRefSup8: return 8;
    case dwarf::kFormData16: return 16;
    case dwarf::kFormStrp:
    case dwarf::kFormLineStrp:
    case dwarf::kFormSecOffset:
    case dwarf::kFormStrpSup:
    case dwarf::kFormGnuRefAlt:
    case dwarf::kFormGnuStrpAlt: return format.offset_size;
    case dwarf::kFormRefAddr: return format.version == 2 ? 8 : format.offset_size;
    default: return std::nullopt;
  }
}

}  // namespace

bool AbbreviationTable::read(DebugSections& sections, std::uint64_t offset, UnitFormat format) {
  if (offset == offset_ && format == format_) return true;
  entries_.clear();
  steps_.clear();
  offset_ = UINT64_MAX;
  if (!read_entries(sections, offset, format)) return false;
  if (!std::ranges::is_sorted(entries_, {}, &Abbreviation::code)) {
    if (!sections.budget().take(entries_.size() * ReadBudget::kSearch)) return false;
    std::ranges::stable_sort(entries_, {}, &Abbreviation::code);
  }
  offset_ = offset;
  format_ = format;
  return true;
}

bool AbbreviationTable::read_entries(DebugSections& sections, std::uint64_t offset,
                                     UnitFormat format) {
  DebugCursor cursor(sections, DebugSection::kAbbrev, offset);
  while (cursor.ok()) {
    const std::uint64_t code = cursor.uleb();
    if (code == 0) return cursor.ok();
    Abbreviation entry;
    entry.code = code;
    entry.tag = static_cast<std::uint16_t>(cursor.uleb());
    entry.has_children = cursor.u8() != 0;
    entry.first_step = static_cast<std::uint32_t>(steps_.size());
    while (cursor.ok()) {
      const std::uint64_t attribute = cursor.uleb();
      const std::uint64_t form = cursor.uleb();
      if (attribute == 0 && form == 0) break;
      if (form > UINT16_MAX || steps_.size() >= kMaxSteps) return false;
      AttributeStep step{static_cast<std::uint16_t>(form), wanted(attribute), 0};
      if (form == dwarf::kFormImplicitConst) step.value = cursor.sleb();
      const auto size = fixed_size(step.form, format);
      if (step.wanted == Wanted::kNothing && size) {
        const bool joins = steps_.size() > entry.first_step && steps_.back().form == 0;
        if (!joins) steps_.emplace_back();
        steps_.back().value += *size;
      } else {
        steps_.push_back(step);
      }
    }
    entry.steps = static_cast<std::uint16_t>(
        std::min<std::size_t>(steps_.size() - entry.first_step, UINT16_MAX));
    if (entries_.size() >= kMaxSteps) return false;
    entries_.push_back(entry);
  }
  return false;
}

const Abbreviation* AbbreviationTable::find(std::uint64_t code) const {
  // Codes count up from 1 in every producer's output.
  if (code - 1 < entries_.size() && entries_[code - 1].code == code) return &entries_[code - 1];
  const auto found = std::ranges::lower_bound(entries_, code, {}, &Abbreviation::code);
  return found != entries_.end() && found->code == code ? &*found : nullptr;
}

}  // namespace otprof::symbols
