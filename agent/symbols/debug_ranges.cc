// SPDX-License-Identifier: Apache-2.0
#include "agent/symbols/debug_ranges.h"

#include <utility>

#include "agent/symbols/dwarf_names.h"

namespace otprof::symbols {

using Kind = AttributeValue::Kind;

RangeReader::RangeReader(DebugSections& sections, const DebugUnit& unit, const AttributeValue& low,
                         const AttributeValue& high, const AttributeValue& ranges)
    : sections_(sections), unit_(unit) {
  if (ranges.kind != Kind::kNone && begin_list(ranges)) return;
  const auto start = address_of(sections, unit, low);
  if (!start || high.kind == Kind::kNone) return;
  const auto limit = high.kind == Kind::kNumber ? *start + high.value
                                                : address_of(sections, unit, high).value_or(0);
  only_ = {*start, limit};
}

bool RangeReader::begin_list(const AttributeValue& ranges) {
  std::uint64_t offset = ranges.value;
  const bool has_entries = unit_.format.version >= 5;
  if (ranges.kind == Kind::kRangesIndex) {
    const std::uint8_t size = unit_.format.offset_size;
    if (ranges.value > sections_.size(DebugSection::kRngLists) / size) return false;
    DebugCursor index(sections_, DebugSection::kRngLists,
                      unit_.rnglists_base + ranges.value * size);
    offset = unit_.rnglists_base + index.offset(size);
    if (!index.ok()) return false;
  } else if (ranges.kind != Kind::kNumber) {
    return false;
  }
  base_ = address_of(sections_, unit_, unit_.low_pc).value_or(0);
  list_.emplace(sections_, has_entries ? DebugSection::kRngLists : DebugSection::kRanges, offset);
  return true;
}

bool RangeReader::next(CodeRange& range) {
  if (!list_) {
    range = std::exchange(only_, {});
    return range.start < range.limit;
  }
  while (list_->charge(ReadBudget::kSearch)) {  // the caller searches for what lies in it
    bool is_range = true;
    const bool more = unit_.format.version >= 5 ? next_entry(range, is_range) : next_pair(range);
    if (!more) return false;
    if (is_range && range.start < range.limit) return true;
  }
  return false;
}

bool RangeReader::next_pair(CodeRange& range) {
  const std::uint64_t first = list_->u64();
  const std::uint64_t second = list_->u64();
  if (!list_->ok() || (first == 0 && second == 0)) return false;
  if (first == UINT64_MAX) {
    base_ = second;
    range = {};
  } else {
    range = {base_ + first, base_ + second};
  }
  return true;
}

bool RangeReader::next_entry(CodeRange& range, bool& is_range) {
  switch (list_->u8()) {
    case dwarf::kRleBaseAddressx:
      base_ = indexed(list_->uleb());
      is_range = false;
      break;
    case dwarf::kRleBaseAddress:
      base_ = list_->u64();
      is_range = false;
      break;
    case dwarf::kRleStartxEndx:
      range.start = indexed(list_->uleb());
      range.limit = indexed(list_->uleb());
      break;
    case dwarf::kRleStartxLength:
      range.start = indexed(list_->uleb());
      range.limit = range.start + list_->uleb();
      break;
    case dwarf::kRleOffsetPair:
      range.start = base_ + list_->uleb();
      range.limit = base_ + list_->uleb();
      break;
    case dwarf::kRleStartEnd:
      range.start = list_->u64();
      range.limit = list_->u64();
      break;
    case dwarf::kRleStartLength:
      range.start = list_->u64();
      range.limit = range.start + list_->uleb();
      break;
    default: return false;  // the end of the list, and what nobody knows
  }
  return list_->ok();
}

std::uint64_t RangeReader::indexed(std::uint64_t index) const {
  return address_of(sections_, unit_, {Kind::kAddressIndex, index}).value_or(0);
}

}  // namespace otprof::symbols
