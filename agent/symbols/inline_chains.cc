// SPDX-License-Identifier: Apache-2.0
#include "agent/symbols/inline_chains.h"

#include <algorithm>

#include "agent/symbols/dwarf_names.h"

namespace otprof::symbols {
namespace {

using Kind = AttributeValue::Kind;

std::uint32_t small_number(const AttributeValue& value) {
  const bool fits = value.kind == Kind::kNumber && value.value <= INT32_MAX;
  return fits ? static_cast<std::uint32_t>(value.value) : 0;
}

bool is_type(std::uint16_t tag) {
  return tag == dwarf::kTagClassType || tag == dwarf::kTagStructureType ||
         tag == dwarf::kTagUnionType || tag == dwarf::kTagEnumerationType;
}

}  // namespace

bool InlineChains::run(std::span<ScopeQuery> queries) {
  queries_ = queries;
  max_scopes_ = 4096 + 32 * queries.size();
  if (queries.empty()) return true;
  // Functions of classes that are local to a function may lie within what was skipped: rare, and
  // worth a second, slower look.
  if (!walk(true)) return false;
  const auto open = [](const ScopeQuery& query) { return query.scope == kNoScope; };
  return std::ranges::none_of(queries, open) || walk(false);
}

bool InlineChains::walk(bool skips) {
  DebugCursor cursor(sections_, DebugSection::kInfo, unit_.first_entry, unit_.limit);
  std::vector<std::uint32_t> enclosing = {kNoScope};  // by depth
  DebugEntry entry;
  while (!cursor.at_end()) {
    const EntryKind kind = read_entry(cursor, unit_, abbreviations_, entry);
    if (kind == EntryKind::kDamaged) return false;
    if (kind == EntryKind::kEndOfSiblings) {
      enclosing.pop_back();
      if (enclosing.size() <= 1) break;  // the children of the first entry have ended
      continue;
    }
    std::uint32_t scope = enclosing.back();
    bool skip = is_type(entry.tag);
    if (entry.tag == dwarf::kTagSubprogram || entry.tag == dwarf::kTagInlinedSubroutine) {
      if (!add(entry, enclosing.back(), scope)) return false;
      skip = scope == kNoScope;
    }
    if (!entry.has_children) continue;
    const AttributeValue sibling = entry[Wanted::kSibling];
    if (skip && skips && sibling.kind == Kind::kReference && sibling.value > cursor.position() &&
        sibling.value < unit_.limit) {
      cursor.seek(sibling.value);
      continue;
    }
    if (enclosing.size() == kMaxDepth) return false;
    enclosing.push_back(scope);
  }
  return cursor.ok();
}

// `scope`: the new one, or none if no address is in it.
bool InlineChains::add(const DebugEntry& entry, std::uint32_t enclosing, std::uint32_t& scope) {
  const bool is_inlined = entry.tag == dwarf::kTagInlinedSubroutine;
  scope = kNoScope;
  if (is_inlined && enclosing == kNoScope) return true;
  RangeReader ranges(sections_, unit_, entry[Wanted::kLowPc], entry[Wanted::kHighPc],
                     entry[Wanted::kRanges]);
  for (CodeRange range; ranges.next(range);) {
    auto first = std::ranges::lower_bound(queries_, range.start, {}, &ScopeQuery::address);
    if (first == queries_.end() || first->address >= range.limit) continue;
    // What the linker dropped lies where no code is.
    if (!is_inlined && sections_.elf().code_section(range.start) == nullptr) continue;
    const std::uint64_t bytes = range.limit - range.start;
    for (; first != queries_.end() && first->address < range.limit; ++first) {
      if (!sections_.budget().take(1)) return false;
      // Of two functions at one address (folded code), the smaller; an inlined one only within the
      // function that it was inlined into.
      const bool takes = is_inlined
                             ? first->scope == enclosing
                             : first->scope == kNoScope ||
                                   (scopes_[first->scope].parent == kNoScope &&
                                    first->scope != scope && scopes_[first->scope].bytes > bytes);
      if (!takes) continue;
      if (scope == kNoScope) {
        if (scopes_.size() == max_scopes_) return false;
        scope = static_cast<std::uint32_t>(scopes_.size());
        Scope& added = scopes_.emplace_back();
        added.parent = is_inlined ? enclosing : kNoScope;
        added.name_from = entry[Wanted::kAbstractOrigin];
        if (!is_inlined || added.name_from.kind == Kind::kNone) {
          added.name_from = {Kind::kReference, entry.offset};
        }
        added.call_file = small_number(entry[Wanted::kCallFile]);
        added.call_line = small_number(entry[Wanted::kCallLine]);
      }
      first->scope = scope;
      scopes_[scope].bytes = bytes;
    }
  }
  return true;
}

}  // namespace otprof::symbols
