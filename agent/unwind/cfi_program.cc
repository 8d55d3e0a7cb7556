// SPDX-License-Identifier: Apache-2.0
// Runs in signal handlers and malloc hooks. Calls: none.
#include "agent/unwind/cfi_program.h"

#include <limits>

namespace otprof::unwind {
namespace {

// DW_CFA_*. The first three carry an operand in their low six bits.
enum Opcode : std::uint8_t {
  kAdvanceLoc = 0x40,
  kOffset = 0x80,
  kRestore = 0xc0,
  kPrimaryMask = 0xc0,
  kNop = 0x00,
  kSetLoc = 0x01,
  kAdvanceLoc1 = 0x02,
  kAdvanceLoc2 = 0x03,
  kAdvanceLoc4 = 0x04,
  kOffsetExtended = 0x05,
  kRestoreExtended = 0x06,
  kUndefined = 0x07,
  kSameValue = 0x08,
  kRegisterOp = 0x09,
  kRememberState = 0x0a,
  kRestoreState = 0x0b,
  kDefCfa = 0x0c,
  kDefCfaRegister = 0x0d,
  kDefCfaOffset = 0x0e,
  kDefCfaExpression = 0x0f,
  kExpression = 0x10,
  kOffsetExtendedSf = 0x11,
  kDefCfaSf = 0x12,
  kDefCfaOffsetSf = 0x13,
  kValOffset = 0x14,
  kValOffsetSf = 0x15,
  kValExpression = 0x16,
  kAdvanceLoc8 = 0x1d,
  kGnuArgsSize = 0x2e,
  kGnuNegativeOffsetExtended = 0x2f,
};

class Interpreter {
 public:
  Interpreter(const FrameDescription& description, std::uint64_t pc, CfiRow& row) noexcept
      : description_(description), target_(pc), location_(description.pc_begin), row_(row) {}

  bool run() noexcept {
    row_ = CfiRow{};
    if (!run(description_.initial_program)) return false;
    initial_ = row_;
    have_initial_ = true;
    return run(description_.program);
  }

 private:
  bool run(Bytes program) noexcept {
    ByteReader reader(program);
    while (reader.ok() && !reader.at_end() && location_ <= target_) {
      if (++executed_ > kMaxCfiInstructions || !execute(reader)) return false;
    }
    return reader.ok();
  }

  bool execute(ByteReader& reader) noexcept;
  bool execute_register_rule(std::uint8_t opcode, ByteReader& reader) noexcept;
  bool execute_cfa_rule(std::uint8_t opcode, ByteReader& reader) noexcept;

  bool advance(std::uint64_t units) noexcept {
    const std::uint64_t next = location_ + units * description_.code_alignment;
    if (next < location_) return false;
    location_ = next;
    return true;
  }

  bool factored(std::int64_t units, std::int32_t& bytes) const noexcept {
    std::int64_t product = 0;
    return !__builtin_mul_overflow(units, description_.data_alignment, &product) &&
           narrow(product, bytes);
  }
  static bool narrow(std::int64_t value, std::int32_t& narrowed) noexcept {
    narrowed = static_cast<std::int32_t>(value);
    return narrowed == value;
  }

  bool set(std::uint64_t reg, RuleKind kind, std::int32_t operand) noexcept {
    // Registers that no frame address can depend on (x87, SSE, flags) are not followed.
    if (reg < kRegisterCount) {
      row_.rule[reg] = kind;
      row_.operand[reg] = operand;
    }
    return true;
  }
  bool set_factored(std::uint64_t reg, RuleKind kind, std::int64_t units) noexcept {
    std::int32_t bytes = 0;
    return factored(units, bytes) && set(reg, kind, bytes);
  }
  bool restore(std::uint64_t reg) noexcept {
    if (!have_initial_) return false;
    return reg >= kRegisterCount || set(reg, initial_.rule[reg], initial_.operand[reg]);
  }
  bool set_cfa(std::uint64_t reg, std::int64_t bytes) noexcept {
    if (reg >= kRip) return false;
    row_.cfa_kind = CfaKind::kRegisterOffset;
    row_.cfa_register = static_cast<std::uint8_t>(reg);
    return narrow(bytes, row_.cfa_operand);
  }

  // Passes over a block (length, bytes) and yields the place of its length field in the section.
  bool block(ByteReader& reader, std::int32_t& place) const noexcept {
    const std::int64_t distance = reader.position() - description_.section.data();
    reader.take(reader.uleb());
    return reader.ok() && narrow(distance, place);
  }

  const FrameDescription& description_;
  const std::uint64_t target_;
  std::uint64_t location_;
  CfiRow& row_;
  CfiRow initial_;
  bool have_initial_ = false;
  unsigned executed_ = 0;
  unsigned remembered_ = 0;
  std::array<CfiRow, kMaxRememberedStates> states_;
};

// Within the loop's function, so that the reader stays in registers: half of the cost of a cold walk.
[[gnu::always_inline]] inline bool Interpreter::execute(ByteReader& reader) noexcept {
  const std::uint8_t opcode = reader.u8();
  const std::uint8_t low = opcode & 0x3f;
  switch (opcode & kPrimaryMask) {
    case kAdvanceLoc: return advance(low);
    case kOffset:
      return set_factored(low, RuleKind::kAtCfa, static_cast<std::int64_t>(reader.uleb()));
    case kRestore: return restore(low);
    default: break;
  }
  switch (opcode) {
    case kNop: return true;
    case kSetLoc: return false;  // absolute addresses in a program: no toolchain emits them
    case kAdvanceLoc1: return advance(reader.u8());
    case kAdvanceLoc2: return advance(reader.u16());
    case kAdvanceLoc4: return advance(reader.u32());
    case kAdvanceLoc8: return advance(reader.u64());
    case kRememberState:
      if (remembered_ == kMaxRememberedStates) return false;
      states_[remembered_++] = row_;
      return true;
    case kRestoreState:
      if (remembered_ == 0) return false;
      row_ = states_[--remembered_];
      return true;
    case kGnuArgsSize: reader.uleb(); return true;
    case kDefCfa:
    case kDefCfaSf:
    case kDefCfaRegister:
    case kDefCfaOffset:
    case kDefCfaOffsetSf:
    case kDefCfaExpression: return execute_cfa_rule(opcode, reader);
    default: return execute_register_rule(opcode, reader);
  }
}

bool Interpreter::execute_cfa_rule(std::uint8_t opcode, ByteReader& reader) noexcept {
  const bool by_register = row_.cfa_kind == CfaKind::kRegisterOffset;
  std::int32_t bytes = 0;
  switch (opcode) {
    case kDefCfa: {
      const std::uint64_t reg = reader.uleb();
      return set_cfa(reg, static_cast<std::int64_t>(reader.uleb()));
    }
    case kDefCfaSf: {
      const std::uint64_t reg = reader.uleb();
      return factored(reader.sleb(), bytes) && set_cfa(reg, bytes);
    }
    case kDefCfaRegister: return by_register && set_cfa(reader.uleb(), row_.cfa_operand);
    case kDefCfaOffset:
      return by_register && set_cfa(row_.cfa_register, static_cast<std::int64_t>(reader.uleb()));
    case kDefCfaOffsetSf:
      return by_register && factored(reader.sleb(), bytes) && set_cfa(row_.cfa_register, bytes);
    default: row_.cfa_kind = CfaKind::kExpression; return block(reader, row_.cfa_operand);
  }
}

bool Interpreter::execute_register_rule(std::uint8_t opcode, ByteReader& reader) noexcept {
  const std::uint64_t reg = reader.uleb();
  std::int32_t place = 0;
  switch (opcode) {
    case kOffsetExtended:
      return set_factored(reg, RuleKind::kAtCfa, static_cast<std::int64_t>(reader.uleb()));
    case kOffsetExtendedSf: return set_factored(reg, RuleKind::kAtCfa, reader.sleb());
    case kGnuNegativeOffsetExtended: {
      const std::uint64_t units = reader.uleb();
      return units <= std::numeric_limits<std::int32_t>::max() &&
             set_factored(reg, RuleKind::kAtCfa, -static_cast<std::int64_t>(units));
    }
    case kValOffset:
      return set_factored(reg, RuleKind::kCfaPlus, static_cast<std::int64_t>(reader.uleb()));
    case kValOffsetSf: return set_factored(reg, RuleKind::kCfaPlus, reader.sleb());
    case kRestoreExtended: return restore(reg);
    case kUndefined: return set(reg, RuleKind::kUndefined, 0);
    case kSameValue: return set(reg, RuleKind::kSame, 0);
    case kRegisterOp: {
      const std::uint64_t source = reader.uleb();
      return source < kRegisterCount &&
             set(reg, RuleKind::kRegister, static_cast<std::int32_t>(source));
    }
    case kExpression: return block(reader, place) && set(reg, RuleKind::kAtExpression, place);
    case kValExpression: return block(reader, place) && set(reg, RuleKind::kIsExpression, place);
    default: return false;
  }
}

}  // namespace

bool run_cfi_program(const FrameDescription& description, std::uint64_t pc, CfiRow& row) noexcept {
  return Interpreter(description, pc, row).run();
}

}  // namespace otprof::unwind
