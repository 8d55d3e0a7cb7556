// SPDX-License-Identifier: Apache-2.0
// Runs in signal handlers and malloc hooks. Calls: none.
//
// The walk by frame pointers alone, for programs that are built with them throughout. Code that was
// not misleads it: a leaf's caller is skipped, and a register used for something else ends the walk.
#include <algorithm>

#include "agent/unwind/frame_pointer_step.h"
#include "agent/unwind/unwinder.h"

namespace otprof::unwind {

Walk walk_frame_pointers(const Registers& start, StackBounds bounds, std::uint64_t* frames,
                         std::uint32_t capacity) noexcept {
  Frame frame;
  frame.registers = start;
  frames[0] = start[kRip];
  std::uint32_t depth = 1;
  const std::uint64_t rsp = start[kRsp];
  if (rsp < bounds.low || rsp >= bounds.high) return {depth, StackEnd::kForeignStack};
  const StackMemory stack(rsp, bounds.high);
  for (;;) {
    // The ABI's mark of the outermost frame.
    if (frame.registers[kRbp] == 0) return {depth, StackEnd::kRoot};
    if (const StepEnd end = step_by_frame_pointer(frame, stack)) return {depth, *end};
    if (frame.registers[kRip] < kFirstPage) return {depth, StackEnd::kNullPc};
    if (depth == capacity) return {depth, StackEnd::kDepthLimit};
    frames[depth++] = frame.lookup_pc;
  }
}

}  // namespace otprof::unwind
