// SPDX-License-Identifier: Apache-2.0
//
// Steps out of code that has no unwind tables: hand-written assembly, generated code.
// Usable from a signal handler and a malloc hook.
#pragma once

#include "agent/unwind/frame.h"
#include "agent/unwind/stack_memory.h"

namespace otprof::unwind {

// By the frame pointer chain alone: the caller's rbp and return address are at rbp and rbp + 8. Only
// the geometry is checked: rbp is aligned, on the stack and not below rsp.
StepEnd step_by_frame_pointer(Frame& frame, const StackMemory& stack) noexcept;

enum class Guess : std::uint8_t {
  kNone,         // nothing plausible; the frame is unchanged
  kConfirmed,    // the caller is in a module's code, right after a call
  kUnconfirmed,  // the caller is in no module: generated code, if a later frame is confirmed
};

// The best guess at the caller of a frame that no table describes. If it was interrupted, its return
// address may be on top of the stack (a leaf, or a function just entered); else rbp points at its
// frame. Registers that such code may have changed are lost to the frames above.
Guess step_without_tables(Frame& frame, const StackMemory& stack) noexcept;

}  // namespace otprof::unwind
