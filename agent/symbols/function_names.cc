// SPDX-License-Identifier: Apache-2.0
#include "agent/symbols/function_names.h"

namespace otprof::symbols {
namespace {

using Kind = AttributeValue::Kind;

// A concrete function, its abstract one, the declaration in a class, and a margin.
constexpr int kMaxHops = 8;

}  // namespace

FunctionNames::FunctionNames(DebugSections& sections) : sections_(sections), units_(sections) {}

void FunctionNames::enter(const DebugUnit& unit) {
  names_.clear();
  alt_names_.clear();
  unit_ = unit;
}

void FunctionNames::make_room() {
  names_.make_room();
  alt_names_.make_room();
}

const std::string& FunctionNames::name(const AttributeValue& entry) {
  const bool is_alt = entry.kind == Kind::kAltReference;
  if (!is_alt && entry.kind != Kind::kReference) return none_;
  auto& names = is_alt ? alt_names_ : names_;
  const std::string* const known = names.find(entry.value);
  return known != nullptr ? *known : names.add(entry.value, find(entry));
}

const DebugUnit* FunctionNames::unit_of(std::uint64_t offset) {
  if (!unit_ || offset < unit_->first_entry || offset >= unit_->limit) {
    const std::uint64_t start = units_.unit_of(offset);
    unit_ = start == kNoUnit ? std::nullopt : read_unit_header(sections_, start);
    if (!unit_ || offset < unit_->first_entry || !read_root(sections_, abbreviations_, *unit_)) {
      unit_.reset();
      return nullptr;
    }
  }
  const bool has_abbreviations =
      abbreviations_.read(sections_, unit_->abbreviations, unit_->format);
  return has_abbreviations ? &*unit_ : nullptr;
}

std::string FunctionNames::find(AttributeValue from) {
  std::string plain;
  for (int hop = 0; hop < kMaxHops; ++hop) {
    if (from.kind == Kind::kAltReference) {
      DebugSections* const alt = sections_.alt();
      if (alt == nullptr) break;
      if (alt_ == nullptr) alt_ = std::make_unique<FunctionNames>(*alt);
      // There is no third file.
      std::string found = alt_->find({Kind::kReference, from.value});
      return found.empty() ? plain : found;
    }
    if (from.kind != Kind::kReference) break;
    const std::uint64_t offset = from.value;
    const DebugUnit* const unit = unit_of(offset);
    if (unit == nullptr) break;
    DebugCursor cursor(sections_, DebugSection::kInfo, offset, unit->limit);
    DebugEntry entry;
    if (read_entry(cursor, *unit, abbreviations_, entry) != EntryKind::kEntry) break;
    std::string linkage = string_of(sections_, *unit, entry[Wanted::kLinkageName], kMaxBytes);
    if (!linkage.empty()) return linkage;
    if (plain.empty()) plain = string_of(sections_, *unit, entry[Wanted::kName], kMaxBytes);
    from = entry[Wanted::kAbstractOrigin];
    if (from.kind == Kind::kNone) from = entry[Wanted::kSpecification];
  }
  return plain;
}

}  // namespace otprof::symbols
