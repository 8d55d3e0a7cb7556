// SPDX-License-Identifier: Apache-2.0
//
// Runs the call frame instructions of one FDE (DWARF 5, 6.4.2; LSB and GNU extensions) up to a pc.
// Usable from a signal handler and a malloc hook. Reads only inside the description's spans; ends
// after at most kMaxCfiInstructions.
#pragma once

#include <cstdint>

#include "agent/unwind/cfi_row.h"
#include "agent/unwind/eh_frame.h"

namespace otprof::unwind {

// Compilers nest remember_state once, hand-written assembly twice.
inline constexpr unsigned kMaxRememberedStates = 4;
// Well above the largest function's table; keeps a corrupt one from taking milliseconds.
inline constexpr unsigned kMaxCfiInstructions = 65536;

// False: malformed, or an instruction that is not supported; `row` is then meaningless.
bool run_cfi_program(const FrameDescription& description, std::uint64_t pc, CfiRow& row) noexcept;

}  // namespace otprof::unwind
