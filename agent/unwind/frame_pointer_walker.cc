// SPDX-License-Identifier: Apache-2.0
// Runs in signal handlers and malloc hooks. Calls: none, but on stacks that are not the thread's own
// raw_syscall (probed_stack.cc).
//
// The walk by frame pointers alone, for programs that are built with them throughout. Code that was
// not misleads it: a leaf's caller is skipped, and a register used for something else ends the walk.
#include <algorithm>

#include "agent/unwind/frame_pointer_step.h"
#include "agent/unwind/probed_stack.h"
#include "agent/unwind/unwinder.h"

namespace otprof::unwind {

Walk walk_frame_pointers(const Registers& start, StackBounds bounds, std::uint64_t* frames,
                         std::uint32_t capacity) noexcept {
  Frame frame;
  frame.registers = start;
  frames[0] = start[kRip];
  std::uint32_t depth = 1;
  const std::uint64_t rsp = start[kRsp];
  ProbedStack probed;
  const bool is_own = rsp >= bounds.low && rsp < bounds.high;
  if (!is_own) {
    bounds = probed.start(rsp);
    if (bounds.high == 0) return {depth, StackEnd::kForeignStack};
  }
  for (;;) {
    // The ABI's mark of the outermost frame.
    if (frame.registers[kRbp] == 0) return {depth, StackEnd::kRoot};
    if (const StepEnd end = step_by_frame_pointer(frame, StackMemory(rsp, bounds.high))) {
      if (!is_own && probed.grow(bounds)) continue;
      return {depth, *end};
    }
    if (frame.registers[kRip] < kFirstPage) return {depth, StackEnd::kNullPc};
    if (depth == capacity) return {depth, StackEnd::kDepthLimit};
    frames[depth++] = frame.lookup_pc;
  }
}

}  // namespace otprof::unwind
