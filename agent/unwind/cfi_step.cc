// SPDX-License-Identifier: Apache-2.0
// Runs in signal handlers and malloc hooks. Calls: none.
#include "agent/unwind/cfi_step.h"

#include "agent/unwind/dwarf_expression.h"

namespace otprof::unwind {
namespace {

StepEnd end_of(Evaluation evaluation) noexcept {
  switch (evaluation) {
    case Evaluation::kOk: return std::nullopt;
    case Evaluation::kLostRegister: return StackEnd::kLostRegister;
    case Evaluation::kOutsideStack: return StackEnd::kBadFrame;
    case Evaluation::kMalformed: break;
  }
  return StackEnd::kBadUnwindInfo;
}

// The expression whose length field is at `place`.
StepEnd evaluate(Bytes section, std::int32_t place, const Frame& frame, const StackMemory& stack,
                 const std::uint64_t* initial, std::uint64_t& result) noexcept {
  ByteReader reader(section.subspan(static_cast<std::size_t>(place)));
  const Bytes expression = reader.take(reader.uleb());
  if (!reader.ok()) return StackEnd::kBadUnwindInfo;
  return end_of(evaluate_expression(expression, frame.registers, stack, initial, result));
}

StepEnd frame_address(const CfiRow& row, Bytes section, const Frame& frame,
                      const StackMemory& stack, std::uint64_t& cfa) noexcept {
  switch (row.cfa_kind) {
    case CfaKind::kRegisterOffset:
      if (!frame.registers.has(row.cfa_register)) return StackEnd::kLostRegister;
      cfa = frame.registers[row.cfa_register] +
            static_cast<std::uint64_t>(std::int64_t{row.cfa_operand});
      return std::nullopt;
    case CfaKind::kExpression:
      return evaluate(section, row.cfa_operand, frame, stack, nullptr, cfa);
    case CfaKind::kUndefined: break;
  }
  return StackEnd::kBadUnwindInfo;
}

// The caller's value of `reg`. It stays unset in `caller` if it is lost.
StepEnd restore_register(const CfiRow& row, unsigned reg, Bytes section, std::uint64_t cfa,
                         const Frame& frame, const StackMemory& stack, Registers& caller) noexcept {
  const std::int32_t operand = row.operand[reg];
  const std::uint64_t cfa_plus = cfa + static_cast<std::uint64_t>(std::int64_t{operand});
  std::uint64_t value = 0;
  switch (row.rule[reg]) {
    case RuleKind::kUndefined: return std::nullopt;
    case RuleKind::kUnspecified:
      if ((kPreservedRegisters >> reg & 1U) == 0) return std::nullopt;
      [[fallthrough]];
    case RuleKind::kSame:
      if (frame.registers.has(reg)) caller.set(reg, frame.registers[reg]);
      return std::nullopt;
    case RuleKind::kCfaPlus: caller.set(reg, cfa_plus); return std::nullopt;
    case RuleKind::kRegister: {
      const auto source = static_cast<unsigned>(operand);
      if (frame.registers.has(source)) caller.set(reg, frame.registers[source]);
      return std::nullopt;
    }
    case RuleKind::kAtCfa:
      if (!stack.read(cfa_plus, value)) return StackEnd::kBadFrame;
      caller.set(reg, value);
      return std::nullopt;
    case RuleKind::kAtExpression:
    case RuleKind::kIsExpression: break;
  }
  if (const StepEnd end = evaluate(section, operand, frame, stack, &cfa, value)) return end;
  if (row.rule[reg] == RuleKind::kAtExpression && !stack.read(value, value)) {
    return StackEnd::kBadFrame;
  }
  caller.set(reg, value);
  return std::nullopt;
}

}  // namespace

StepEnd step_by_row(const CfiRow& row, Bytes section, bool signal_frame, Frame& frame,
                    const StackMemory& stack) noexcept {
  if (row.rule[kRip] == RuleKind::kUndefined) return StackEnd::kRoot;
  if (row.rule[kRip] == RuleKind::kUnspecified || row.rule[kRip] == RuleKind::kSame) {
    return StackEnd::kBadUnwindInfo;
  }
  std::uint64_t cfa = 0;
  if (const StepEnd end = frame_address(row, section, frame, stack, cfa)) return end;

  Registers caller;
  caller.set(kRsp, cfa);
  for (unsigned reg = 0; reg < kRegisterCount; ++reg) {
    if (reg == kRsp && row.rule[reg] == RuleKind::kUnspecified) continue;
    if (const StepEnd end = restore_register(row, reg, section, cfa, frame, stack, caller)) {
      return end;
    }
  }
  if (!caller.has(kRip) || !caller.has(kRsp)) return StackEnd::kLostRegister;

  const std::uint64_t sp = caller[kRsp];
  // A signal frame may lie on another stack than what was interrupted.
  if (!signal_frame) {
    // The return address takes the slot between the two, unless it is still in a register (the first
    // instructions of vfork), which only an interrupted frame knows.
    const bool above = row.rule[kRip] == RuleKind::kRegister ? sp >= frame.registers[kRsp]
                                                             : sp > frame.registers[kRsp];
    if (!above || sp > stack.high() || sp % 8 != 0) return StackEnd::kBadFrame;
  }
  frame.registers = caller;
  frame.interrupted = signal_frame;
  frame.lookup_pc = signal_frame ? caller[kRip] : caller[kRip] - 1;
  return std::nullopt;
}

StepEnd step_by_rule(PackedRule rule, Frame& frame, const StackMemory& stack) noexcept {
  if (rule.kind() == kRootRule) return StackEnd::kRoot;
  Registers& registers = frame.registers;
  const unsigned base = rule.kind() == kRealignedRule ? unsigned{kRbp} : rule.kind();
  if (!registers.has(base)) return StackEnd::kLostRegister;
  std::uint64_t cfa = registers[base] + static_cast<std::uint64_t>(rule.offset());
  std::uint64_t slot_base = registers[kRbp] + 8;
  if (rule.kind() == kRealignedRule) {
    if (!stack.read(cfa, cfa)) return StackEnd::kBadFrame;
  } else {
    slot_base = cfa - 8;
  }
  std::uint64_t return_address = 0;
  if (cfa <= registers[kRsp] || cfa > stack.high() || !stack.read(cfa - 8, return_address)) {
    return StackEnd::kBadFrame;
  }
  std::uint32_t valid = registers.valid & kPreservedRegisters;
  for (unsigned i = 0; i < kPackedRegisters.size(); ++i) {
    const std::uint64_t field = rule.field(i);
    if (field == 0) continue;
    const unsigned reg = kPackedRegisters[i];
    if (!stack.read(slot_base - 8 * field, registers.value[reg])) return StackEnd::kBadFrame;
    valid |= 1U << reg;
  }
  registers.value[kRip] = return_address;
  registers.value[kRsp] = cfa;
  registers.valid = valid;
  frame.lookup_pc = return_address - 1;
  frame.interrupted = false;
  return std::nullopt;
}

}  // namespace otprof::unwind
