// SPDX-License-Identifier: Apache-2.0
//
// Replaces a frame by its caller's, as a rule says. Every check is made here: the new frame address
// lies on the stack, is aligned and is above the old one (but for signal frames: the interrupted frame
// may be anywhere, and the caller checks it); every register comes from a slot on the stack; a register
// that is not known is never used. A step that fails leaves the frame usable for another try with more
// of the stack.
// Usable from a signal handler and a malloc hook.
#pragma once

#include "agent/unwind/byte_reader.h"
#include "agent/unwind/cfi_row.h"
#include "agent/unwind/frame.h"
#include "agent/unwind/packed_rule.h"
#include "agent/unwind/stack_memory.h"

namespace otprof::unwind {

// Any row. `section` holds its expressions.
StepEnd step_by_row(const CfiRow& row, Bytes section, bool signal_frame, Frame& frame,
                    const StackMemory& stack) noexcept;

// Any packed rule but kEmptyRule.
StepEnd step_by_rule(PackedRule rule, Frame& frame, const StackMemory& stack) noexcept;

// A frame in the middle of a stack of compiled code, of which all is known that callees preserve.
inline bool can_step_fast(const Frame& frame) noexcept {
  return !frame.interrupted && frame.registers.valid == kPreservedRegisters;
}

// step_by_rule() for such frames, inline and without the reasons: false if step_by_rule() has to
// decide. The caller's frame is such a frame again.
inline bool step_fast(PackedRule rule, Frame& frame, const StackMemory& stack) noexcept {
  if (!rule.has_base_register()) return false;
  auto& value = frame.registers.value;
  // By far the most common base is told apart by a branch, which the processor predicts; as an index
  // it would make each step wait for the rule before it can load the register.
  const std::uint64_t base = rule.kind() == kRsp ? value[kRsp] : value[rule.kind()];
  const std::uint64_t cfa = base + static_cast<std::uint64_t>(rule.offset());
  if (cfa % 8 != 0 || cfa <= value[kRsp] || cfa > stack.high() ||
      cfa - 8 - rule.reach() < stack.low()) {
    return false;
  }
  const auto* const slots = reinterpret_cast<const std::uint64_t*>(cfa) - 1;
#pragma GCC unroll 6
  for (unsigned i = 0; i < kPackedRegisters.size(); ++i) {
    const std::uint64_t field = rule.field(i);
    if (field != 0) value[kPackedRegisters[i]] = *(slots - field);
  }
  const std::uint64_t return_address = *slots;
  value[kRip] = return_address;
  value[kRsp] = cfa;
  frame.lookup_pc = return_address - 1;
  return true;
}

}  // namespace otprof::unwind
