// SPDX-License-Identifier: Apache-2.0
#include "agent/symbols/debug_unit.h"

#include "agent/symbols/dwarf_names.h"

namespace otprof::symbols {
namespace {

using Kind = AttributeValue::Kind;

constexpr std::uint64_t kAddressBytes = 8;

AttributeValue reference(const DebugUnit& unit, std::uint64_t from_unit) {
  return {Kind::kReference, unit.offset + from_unit};
}

// The value of any form; of blocks and the like, only how long they are.
AttributeValue read_form(DebugCursor& cursor, const DebugUnit& unit, std::uint16_t form,
                         std::int64_t in_abbreviation) {
  // A form that names its form: once is legal, and no more.
  if (form == dwarf::kFormIndirect) {
    form = static_cast<std::uint16_t>(cursor.uleb());
    if (form == dwarf::kFormImplicitConst) in_abbreviation = cursor.sleb();
  }
  const std::uint8_t offset_size = unit.format.offset_size;
  switch (form) {
    case dwarf::kFormAddr: return {Kind::kAddress, cursor.u64()};
    case dwarf::kFormData1:
    case dwarf::kFormFlag: return {Kind::kNumber, cursor.u8()};
    case dwarf::kFormData2: return {Kind::kNumber, cursor.u16()};
    case dwarf::kFormData4: return {Kind::kNumber, cursor.u32()};
    case dwarf::kFormData8: return {Kind::kNumber, cursor.u64()};
    case dwarf::kFormUdata: return {Kind::kNumber, cursor.uleb()};
    case dwarf::kFormSdata: return {Kind::kNumber, static_cast<std::uint64_t>(cursor.sleb())};
    case dwarf::kFormImplicitConst:
      return {Kind::kNumber, static_cast<std::uint64_t>(in_abbreviation)};
    case dwarf::kFormFlagPresent: return {Kind::kNumber, 1};
    case dwarf::kFormSecOffset: return {Kind::kNumber, cursor.offset(offset_size)};
    case dwarf::kFormRnglistx: return {Kind::kRangesIndex, cursor.uleb()};
    case dwarf::kFormString: {
      const AttributeValue value{Kind::kInlineString, cursor.position()};
      cursor.skip_string();
      return value;
    }
    case dwarf::kFormStrp: return {Kind::kString, cursor.offset(offset_size)};
    case dwarf::kFormLineStrp: return {Kind::kLineString, cursor.offset(offset_size)};
    case dwarf::kFormStrpSup:
    case dwarf::kFormGnuStrpAlt: return {Kind::kAltString, cursor.offset(offset_size)};
    case dwarf::kFormStrx:
    case dwarf::kFormGnuStrIndex: return {Kind::kStringIndex, cursor.uleb()};
    case dwarf::kFormStrx1: return {Kind::kStringIndex, cursor.u8()};
    case dwarf::kFormStrx2: return {Kind::kStringIndex, cursor.u16()};
    case dwarf::kFormStrx3: return {Kind::kStringIndex, cursor.number(3)};
    case dwarf::kFormStrx4: return {Kind::kStringIndex, cursor.u32()};
    case dwarf::kFormAddrx:
    case dwarf::kFormGnuAddrIndex: return {Kind::kAddressIndex, cursor.uleb()};
    case dwarf::kFormAddrx1: return {Kind::kAddressIndex, cursor.u8()};
    case dwarf::kFormAddrx2: return {Kind::kAddressIndex, cursor.u16()};
    case dwarf::kFormAddrx3: return {Kind::kAddressIndex, cursor.number(3)};
    case dwarf::kFormAddrx4: return {Kind::kAddressIndex, cursor.u32()};
    case dwarf::kFormRef1: return reference(unit, cursor.u8());
    case dwarf::kFormRef2: return reference(unit, cursor.u16());
    case dwarf::kFormRef4: return reference(unit, cursor.u32());
    case dwarf::kFormRef8: return reference(unit, cursor.u64());
    case dwarf::kFormRefUdata: return reference(unit, cursor.uleb());
    case dwarf::kFormRefAddr:
      return {Kind::kReference, cursor.offset(unit.format.version == 2 ? 8 : offset_size)};
    case dwarf::kFormGnuRefAlt: return {Kind::kAltReference, cursor.offset(offset_size)};
    case dwarf::kFormRefSup4: return {Kind::kAltReference, cursor.u32()};
    case dwarf::kFormRefSup8: return {Kind::kAltReference, cursor.u64()};
    case dwarf::kFormRefSig8: cursor.skip(8); return {};
    case dwarf::kFormData16: cursor.skip(16); return {};
    case dwarf::kFormBlock1: cursor.skip(cursor.u8()); return {};
    case dwarf::kFormBlock2: cursor.skip(cursor.u16()); return {};
    case dwarf::kFormBlock4: cursor.skip(cursor.u32()); return {};
    case dwarf::kFormBlock:
    case dwarf::kFormExprloc: cursor.skip(cursor.uleb()); return {};
    case dwarf::kFormLoclistx: cursor.uleb(); return {};
    default: break;
  }
  cursor.skip(UINT64_MAX);  // an unknown form has an unknown size: the rest cannot be read
  return {};
}

std::uint64_t number_of(const AttributeValue& value, std::uint64_t otherwise) {
  return value.kind == Kind::kNumber ? value.value : otherwise;
}

}  // namespace

std::optional<DebugUnit> read_unit_header(DebugSections& sections, std::uint64_t offset) {
  DebugCursor cursor(sections, DebugSection::kInfo, offset);
  DebugUnit unit;
  unit.offset = offset;
  const std::uint64_t length = cursor.initial_length(unit.format.offset_size);
  const std::uint64_t after_length = cursor.position();
  if (!cursor.ok() || length > cursor.limit() - after_length) return std::nullopt;
  unit.limit = after_length + length;
  unit.format.version = cursor.u16();
  if (unit.format.version < 2 || unit.format.version > 5) return std::nullopt;
  unit.type = dwarf::kUnitCompile;
  std::uint8_t address_size = 0;
  if (unit.format.version == 5) {
    unit.type = cursor.u8();
    address_size = cursor.u8();
    unit.abbreviations = cursor.offset(unit.format.offset_size);
    if (unit.type == dwarf::kUnitSkeleton || unit.type == dwarf::kUnitSplitCompile) {
      cursor.skip(8);  // id of the other half
    } else if (unit.type == dwarf::kUnitType || unit.type == dwarf::kUnitSplitType) {
      cursor.skip(8 + std::uint64_t{unit.format.offset_size});
    }
  } else {
    unit.abbreviations = cursor.offset(unit.format.offset_size);
    address_size = cursor.u8();
  }
  unit.first_entry = cursor.position();
  if (!cursor.ok() || address_size != kAddressBytes || unit.first_entry > unit.limit) {
    return std::nullopt;
  }
  return unit;
}

bool read_root(DebugSections& sections, AbbreviationTable& abbreviations, DebugUnit& unit) {
  if (!abbreviations.read(sections, unit.abbreviations, unit.format)) return false;
  DebugCursor cursor(sections, DebugSection::kInfo, unit.first_entry, unit.limit);
  DebugEntry root;
  if (read_entry(cursor, unit, abbreviations, root) != EntryKind::kEntry) return false;
  // Where the bases are not given, the tables of the only unit begin behind their headers.
  const std::uint64_t header = unit.format.offset_size == 8 ? 16 : 8;
  unit.str_offsets_base = number_of(root[Wanted::kStrOffsetsBase], header);
  unit.addr_base = number_of(root[Wanted::kAddrBase], header);
  unit.rnglists_base = number_of(root[Wanted::kRngListsBase], header + 4);
  const AttributeValue lines = root[Wanted::kStmtList];
  if (lines.kind == Kind::kNumber) unit.line_program = lines.value;
  unit.directory = root[Wanted::kCompDir];
  unit.low_pc = root[Wanted::kLowPc];
  unit.high_pc = root[Wanted::kHighPc];
  unit.ranges = root[Wanted::kRanges];
  return true;
}

EntryKind read_entry(DebugCursor& cursor, const DebugUnit& unit,
                     const AbbreviationTable& abbreviations, DebugEntry& entry) {
  entry.offset = cursor.position();
  entry.present = 0;
  const std::uint64_t code = cursor.uleb();
  if (!cursor.ok()) return EntryKind::kDamaged;
  if (code == 0) return EntryKind::kEndOfSiblings;
  const Abbreviation* const abbreviation = abbreviations.find(code);
  if (abbreviation == nullptr) return EntryKind::kDamaged;
  entry.tag = abbreviation->tag;
  entry.has_children = abbreviation->has_children;
  const auto steps = abbreviations.steps(*abbreviation);
  for (const AttributeStep& step : steps) {
    if (step.form == 0) {
      cursor.skip(static_cast<std::uint64_t>(step.value));
      continue;
    }
    const AttributeValue value = read_form(cursor, unit, step.form, step.value);
    if (step.wanted == Wanted::kNothing) continue;
    entry.present |= DebugEntry::bit(step.wanted);
    entry.values[static_cast<std::size_t>(step.wanted)] = value;
  }
  // Attributes may take no bytes: an entry of one byte can have thousands of them.
  const std::uint64_t cost = ReadBudget::kEntry + steps.size();
  const std::uint64_t paid = cursor.position() - entry.offset;
  if (paid < cost) cursor.charge(cost - paid);
  return cursor.ok() ? EntryKind::kEntry : EntryKind::kDamaged;
}

std::optional<std::uint64_t> address_of(DebugSections& sections, const DebugUnit& unit,
                                        const AttributeValue& value) {
  if (value.kind == Kind::kAddress) return value.value;
  if (value.kind != Kind::kAddressIndex) return std::nullopt;
  std::uint64_t address = 0;
  if (value.value >= sections.size(DebugSection::kAddr) / kAddressBytes ||
      unit.addr_base > sections.size(DebugSection::kAddr) ||
      !sections.read(DebugSection::kAddr, unit.addr_base + value.value * kAddressBytes, &address,
                     sizeof address)) {
    return std::nullopt;
  }
  return address;
}

std::string string_of(DebugSections& sections, const DebugUnit& unit, const AttributeValue& value,
                      std::size_t max) {
  DebugSection section = DebugSection::kStr;
  std::uint64_t offset = value.value;
  switch (value.kind) {
    case Kind::kString: break;
    case Kind::kLineString: section = DebugSection::kLineStr; break;
    case Kind::kInlineString: section = DebugSection::kInfo; break;
    case Kind::kAltString: {
      DebugSections* const alt = sections.alt();
      return alt != nullptr ? DebugCursor(*alt, DebugSection::kStr, offset).string(max)
                            : std::string();
    }
    case Kind::kStringIndex: {
      const std::uint64_t size = sections.size(DebugSection::kStrOffsets);
      if (unit.str_offsets_base > size || value.value > size / unit.format.offset_size) return {};
      DebugCursor index(sections, DebugSection::kStrOffsets,
                        unit.str_offsets_base + value.value * unit.format.offset_size);
      offset = index.offset(unit.format.offset_size);
      if (!index.ok()) return {};
      break;
    }
    default: return {};
  }
  return DebugCursor(sections, section, offset).string(max);
}

}  // namespace otprof::symbols
