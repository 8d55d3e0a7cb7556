// SPDX-License-Identifier: Apache-2.0
// Runs in signal handlers and malloc hooks. Calls: _dl_find_object (module.cc).
#include "agent/unwind/frame_pointer_step.h"

#include "agent/unwind/call_site.h"
#include "agent/unwind/untold_pushes.h"

namespace otprof::unwind {
namespace {

// The lower half of the address space (57 bits with five-level paging), without the first page.
bool can_be_code(std::uint64_t address) noexcept {
  return address >= kFirstPage && address >> 56 == 0;
}

void return_to(Frame& frame, std::uint64_t return_address, std::uint64_t sp,
               std::uint32_t valid) noexcept {
  frame.registers.value[kRip] = return_address;
  frame.registers.value[kRsp] = sp;
  frame.registers.valid = valid;
  frame.lookup_pc = return_address - 1;
  frame.interrupted = false;
}

}  // namespace

StepEnd step_by_frame_pointer(Frame& frame, const StackMemory& stack) noexcept {
  const std::uint64_t rbp = frame.registers[kRbp];
  std::uint64_t caller_rbp = 0;
  std::uint64_t return_address = 0;
  if (!frame.registers.has(kRbp) || rbp < frame.registers[kRsp] || !stack.read(rbp, caller_rbp) ||
      !stack.read(rbp + 8, return_address)) {
    return StackEnd::kBadFrame;
  }
  frame.registers.value[kRbp] = caller_rbp;
  return_to(frame, return_address, rbp + 16, 1U << kRbp | 1U << kRsp | 1U << kRip);
  return std::nullopt;
}

Guess step_without_tables(Frame& frame, const StackMemory& stack) noexcept {
  if (frame.interrupted) {
    const std::uint64_t rsp = frame.registers[kRsp];
    std::uint64_t top = 0;
    if (stack.read(rsp, top) && find_call_site(top).kind == ReturnAddress::kAfterCall) {
      return_to(frame, top, rsp + 8, frame.registers.valid & kPreservedRegisters);
      return Guess::kConfirmed;
    }
    if (step_over_untold_pushes(frame, stack)) return Guess::kConfirmed;
  }
  Frame caller = frame;
  if (step_by_frame_pointer(caller, stack)) return Guess::kNone;
  switch (find_call_site(caller.registers[kRip]).kind) {
    case ReturnAddress::kAfterCall: frame = caller; return Guess::kConfirmed;
    case ReturnAddress::kNoModule:
      if (!can_be_code(caller.registers[kRip])) return Guess::kNone;
      frame = caller;
      return Guess::kUnconfirmed;
    case ReturnAddress::kNo: break;
  }
  return Guess::kNone;
}

}  // namespace otprof::unwind
