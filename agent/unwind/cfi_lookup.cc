// SPDX-License-Identifier: Apache-2.0
// Runs in signal handlers and malloc hooks. Calls: _dl_find_object (module.cc).
#include "agent/unwind/cfi_lookup.h"

#include "agent/unwind/cfi_program.h"

namespace otprof::unwind {
namespace {

// The readable bytes from `address` to the end of its segment.
Bytes bytes_from(const Module& module, std::uintptr_t address) noexcept {
  const Bytes segment = readable_segment(module, address);
  if (segment.empty()) return {};
  return segment.subspan(address - reinterpret_cast<std::uintptr_t>(segment.data()));
}

RowLookup row_lookup(Lookup lookup) noexcept {
  return lookup == Lookup::kNothing ? RowLookup::kNoTable : RowLookup::kMalformed;
}

}  // namespace

RowLookup find_row(std::uint64_t pc, RowResult& result) noexcept {
  if (!find_object(pc, result.module)) return RowLookup::kNoModule;
  if (result.module.eh_frame_hdr == 0) return RowLookup::kNoTable;
  const Bytes header = bytes_from(result.module, result.module.eh_frame_hdr);
  std::uintptr_t fde = 0;
  if (const Lookup lookup = search_eh_frame_hdr(header, pc, fde); lookup != Lookup::kFound) {
    return row_lookup(lookup);
  }
  const Bytes section = readable_segment(result.module, fde);
  FrameDescription description;
  if (const Lookup lookup = parse_frame_description(section, fde, pc, description);
      lookup != Lookup::kFound) {
    return row_lookup(lookup);
  }
  if (!run_cfi_program(description, pc, result.row)) return RowLookup::kMalformed;
  result.section = section;
  result.signal_frame = description.signal_frame;
  return RowLookup::kFound;
}

}  // namespace otprof::unwind
