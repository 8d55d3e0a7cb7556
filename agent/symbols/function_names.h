// SPDX-License-Identifier: Apache-2.0
//
// The name of a function's entry in .debug_info, by way of the entries it refers to: the linkage
// name if there is one, else the plain name. Background thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "agent/symbols/debug_unit.h"
#include "agent/symbols/kept_texts.h"
#include "agent/symbols/unit_lookup.h"

namespace otprof::symbols {

class FunctionNames {
 public:
  // `sections`, and with them those of another file that they refer to, must outlive the object.
  explicit FunctionNames(DebugSections& sections);

  // Before the entries of a unit are asked for: it is at hand then. Forgets the names of the last.
  void enter(const DebugUnit& unit);
  // Forgets names when they are many; to be called now and then.
  void make_room();
  // Empty if it cannot be found. Valid until the next enter() or make_room().
  const std::string& name(const AttributeValue& entry);

  // Longer names end here; as of symbol tables.
  static constexpr std::size_t kMaxBytes = 1025;

 private:
  std::string find(AttributeValue entry);
  const DebugUnit* unit_of(std::uint64_t offset);

  DebugSections& sections_;
  UnitIndex units_;
  std::optional<DebugUnit> unit_;  // the one that was read last
  AbbreviationTable abbreviations_;
  KeptTexts names_;                     // by offset of the entry
  KeptTexts alt_names_;                 // the same, in the other file
  std::unique_ptr<FunctionNames> alt_;  // null until something is there
  const std::string none_;
};

}  // namespace otprof::symbols
