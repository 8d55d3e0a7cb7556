// SPDX-License-Identifier: Apache-2.0
//
// One frame of a walk in progress, and what a step to its caller yields.
// Plain data; usable from a signal handler and a malloc hook.
#pragma once

#include <cstdint>
#include <optional>

#include "agent/unwind/registers.h"
#include "agent/unwind/unwinder.h"

namespace otprof::unwind {

// Addresses below this are never code: the first page is not mapped.
inline constexpr std::uint64_t kFirstPage = 4096;

struct Frame {
  Registers registers;  // rip is exact: the interrupted instruction, or where the call returns to
  // What the tables are asked for: inside the call instruction, or rip itself if interrupted.
  // A call that does not return may be the last instruction of its function.
  std::uint64_t lookup_pc = 0;
  bool interrupted = true;
};

// Nothing: the frame was replaced by its caller's. Otherwise it has none, for that reason.
using StepEnd = std::optional<StackEnd>;

}  // namespace otprof::unwind
