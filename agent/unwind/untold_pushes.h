// SPDX-License-Identifier: Apache-2.0
//
// Steps out of an interrupted assembly function that has pushed registers without saying so in the
// unwind tables (glibc's __mpn_addmul_1, on every way from a double to text, is one), or that has no
// tables at all.
//
// Nothing here is guessed: the return address is accepted only if it follows a direct call, the call
// goes to a little before the interrupted instruction, and the code that it goes to begins with as
// many push instructions as there are slots below the return address. Those then are what was pushed.
// Usable from a signal handler and a malloc hook.
#pragma once

#include "agent/unwind/frame.h"
#include "agent/unwind/stack_memory.h"

namespace otprof::unwind {

// False: it is not such a function, and the frame is unchanged. `frame` must be interrupted. A frame
// whose return address is on top of the stack is left alone: there the tables are right.
bool step_over_untold_pushes(Frame& frame, const StackMemory& stack) noexcept;

}  // namespace otprof::unwind
