// SPDX-License-Identifier: Apache-2.0
#include "test/truth/unwind/known_limits.h"

#include <dlfcn.h>

#include <algorithm>
#include <optional>

#include "agent/unwind/cfi_lookup.h"
#include "agent/unwind/eh_frame.h"

namespace otprof::test {
namespace {

using unwind::Bytes;
using unwind::CfaKind;
using unwind::FrameDescription;
using unwind::kRdi;
using unwind::kRip;
using unwind::Lookup;
using unwind::Module;
using unwind::Registers;
using unwind::RowLookup;
using unwind::RowResult;
using unwind::RuleKind;

std::optional<FrameDescription> description_of(std::uint64_t pc) {
  Module module;
  if (!unwind::find_object(pc, module) || module.eh_frame_hdr == 0) return std::nullopt;
  const Bytes header = unwind::readable_segment(module, module.eh_frame_hdr);
  const auto begin = reinterpret_cast<std::uintptr_t>(header.data());
  std::uintptr_t fde = 0;
  FrameDescription description;
  if (unwind::search_eh_frame_hdr(header.subspan(module.eh_frame_hdr - begin), pc, fde) !=
          Lookup::kFound ||
      unwind::parse_frame_description(unwind::readable_segment(module, fde), fde, pc,
                                      description) != Lookup::kFound) {
    return std::nullopt;
  }
  return description;
}

}  // namespace

const char* limit_name(Limit limit) {
  switch (limit) {
    case Limit::kInstallingContext: return "libgcc installs the context of a landing pad";
    case Limit::kJumping: return "longjmp's tables describe its target";
    case Limit::kJustCloned: return "first instructions of a new thread";
    case Limit::kWithoutTables: return "code without tables";
    default: return "none";
  }
}

KnownLimits::KnownLimits() {
  for (const char* name : {"_Unwind_RaiseException", "_Unwind_Resume", "_Unwind_ForcedUnwind",
                           "_Unwind_Resume_or_Rethrow"}) {
    const auto address = reinterpret_cast<std::uint64_t>(dlsym(RTLD_DEFAULT, name));
    if (const auto description = description_of(address)) {
      context_installers_.push_back(
          {description->pc_begin, description->pc_begin + description->pc_range});
    }
  }
}

bool KnownLimits::installs_context(std::uint64_t pc) const {
  return std::ranges::any_of(context_installers_, [pc](const Range& range) {
    return pc >= range.begin && pc < range.end;
  });
}

Limit KnownLimits::at(const Registers& registers, std::span<const std::uint64_t> truth) const {
  const std::uint64_t pc = registers[kRip];
  if (truth.size() == 1) return Limit::kJustCloned;
  RowResult found;
  if (unwind::find_row(pc, found) == RowLookup::kNoTable) return Limit::kWithoutTables;
  if (found.row.cfa_kind == CfaKind::kRegisterOffset && found.row.cfa_register == kRdi &&
      found.row.rule[kRip] == RuleKind::kRegister) {
    return Limit::kJumping;
  }
  // The installer itself, or a function that it calls.
  if (installs_context(pc) || installs_context(truth[1])) return Limit::kInstallingContext;
  return Limit::kNone;
}

}  // namespace otprof::test
