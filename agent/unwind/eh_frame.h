// SPDX-License-Identifier: Apache-2.0
//
// Finds and parses the frame description (FDE with its CIE) of one address in .eh_frame, by the sorted
// table of .eh_frame_hdr (LSB 5.0, 10.6). A module without that table counts as having no unwind
// information: a linear search has no bound that a signal handler could afford.
// Usable from a signal handler and a malloc hook. Reads only inside the spans that it is given.
#pragma once

#include <cstdint>

#include "agent/unwind/byte_reader.h"

namespace otprof::unwind {

enum class Lookup : std::uint8_t {
  kFound,
  kNothing,    // the tables are well formed and say nothing about this address
  kMalformed,  // truncated, inconsistent, or of a kind that no x86-64 toolchain emits
};

struct FrameDescription {
  std::uint64_t pc_begin = 0;
  std::uint64_t pc_range = 0;
  std::uint64_t code_alignment = 1;
  std::int64_t data_alignment = 1;
  bool signal_frame = false;  // augmentation 'S': the frame below was interrupted, not called
  Bytes section;              // what the two programs and their expressions lie in
  Bytes initial_program;      // the CIE's
  Bytes program;              // the FDE's
};

// The address of the last FDE in the search table that begins at or before `pc`. `header` is the
// readable segment from .eh_frame_hdr's first byte on.
Lookup search_eh_frame_hdr(Bytes header, std::uint64_t pc, std::uintptr_t& fde) noexcept;

// Parses the FDE at `fde`, which must lie in `section`, and checks that it covers `pc`.
Lookup parse_frame_description(Bytes section, std::uintptr_t fde, std::uint64_t pc,
                               FrameDescription& description) noexcept;

}  // namespace otprof::unwind
