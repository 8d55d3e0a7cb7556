// SPDX-License-Identifier: Apache-2.0
#include "agent/symbols/function_names.h"

namespace otprof::symbols {
namespace {

// A concrete function, its abstract one, the declaration in a class, and a margin.
constexpr int kMaxHops = 8;

}  // namespace

void FunctionNames::enter(const DebugUnit& unit) {
  names_.clear();
  unit_ = unit;
}

const std::string& FunctionNames::name(const AttributeValue& entry) {
  if (entry.kind != AttributeValue::Kind::kReference) return none_;
  const auto known = names_.find(entry.value);
  if (known != names_.end()) return known->second;
  return names_.emplace(entry.value, find(entry.value)).first->second;
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

std::string FunctionNames::find(std::uint64_t offset) {
  std::string plain;
  for (int hop = 0; hop < kMaxHops; ++hop) {
    const DebugUnit* const unit = unit_of(offset);
    if (unit == nullptr) break;
    DebugCursor cursor(sections_, DebugSection::kInfo, offset, unit->limit);
    DebugEntry entry;
    if (read_entry(cursor, *unit, abbreviations_, entry) != EntryKind::kEntry) break;
    std::string linkage = string_of(sections_, *unit, entry[Wanted::kLinkageName], kMaxBytes);
    if (!linkage.empty()) return linkage;
    if (plain.empty()) plain = string_of(sections_, *unit, entry[Wanted::kName], kMaxBytes);
    AttributeValue next = entry[Wanted::kAbstractOrigin];
    if (next.kind == AttributeValue::Kind::kNone) next = entry[Wanted::kSpecification];
    if (next.kind != AttributeValue::Kind::kReference) break;
    offset = next.value;
  }
  return plain;
}

}  // namespace otprof::symbols
