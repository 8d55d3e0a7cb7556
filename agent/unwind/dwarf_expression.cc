// SPDX-License-Identifier: Apache-2.0
// Runs in signal handlers and malloc hooks. Calls: none.
#include "agent/unwind/dwarf_expression.h"

#include <array>

namespace otprof::unwind {
namespace {

// DW_OP_*
enum Operation : std::uint8_t {
  kAddr = 0x03,
  kDeref = 0x06,
  kConst1u = 0x08,
  kConst1s = 0x09,
  kConst2u = 0x0a,
  kConst2s = 0x0b,
  kConst4u = 0x0c,
  kConst4s = 0x0d,
  kConst8u = 0x0e,
  kConst8s = 0x0f,
  kConstu = 0x10,
  kConsts = 0x11,
  kDup = 0x12,
  kDrop = 0x13,
  kOver = 0x14,
  kPick = 0x15,
  kSwap = 0x16,
  kRot = 0x17,
  kAbs = 0x19,
  kAnd = 0x1a,
  kDiv = 0x1b,
  kMinus = 0x1c,
  kMod = 0x1d,
  kMul = 0x1e,
  kNeg = 0x1f,
  kNot = 0x20,
  kOr = 0x21,
  kPlus = 0x22,
  kPlusUconst = 0x23,
  kShl = 0x24,
  kShr = 0x25,
  kShra = 0x26,
  kXor = 0x27,
  kBra = 0x28,
  kEq = 0x29,
  kGe = 0x2a,
  kGt = 0x2b,
  kLe = 0x2c,
  kLt = 0x2d,
  kNe = 0x2e,
  kSkip = 0x2f,
  kLit0 = 0x30,
  kLit31 = 0x4f,
  kBreg0 = 0x70,
  kBreg31 = 0x8f,
  kBregx = 0x92,
  kDerefSize = 0x94,
  kNop = 0x96,
};

class Evaluator {
 public:
  Evaluator(Bytes expression, const Registers& registers, const StackMemory& stack) noexcept
      : expression_(expression), reader_(expression), registers_(registers), stack_(stack) {}

  void push(std::uint64_t value) noexcept {
    if (depth_ == kExpressionStackSize) return fail(Evaluation::kMalformed);
    values_[depth_++] = value;
  }

  Evaluation run(std::uint64_t& result) noexcept {
    for (unsigned executed = 0; status_ == Evaluation::kOk && !reader_.at_end(); ++executed) {
      if (executed == kMaxExpressionOperations) return Evaluation::kMalformed;
      execute(reader_.u8());
      if (!reader_.ok()) return Evaluation::kMalformed;
    }
    result = pop();
    return status_;
  }

 private:
  void execute(std::uint8_t operation) noexcept;
  bool execute_constant(std::uint8_t operation) noexcept;
  bool execute_shuffle(std::uint8_t operation) noexcept;
  bool execute_unary(std::uint8_t operation) noexcept;
  void execute_binary(std::uint8_t operation) noexcept;

  void fail(Evaluation why) noexcept {
    if (status_ == Evaluation::kOk) status_ = why;
  }
  std::uint64_t pop() noexcept {
    if (depth_ == 0) {
      fail(Evaluation::kMalformed);
      return 0;
    }
    return values_[--depth_];
  }
  std::uint64_t peek(unsigned below_top) noexcept {
    if (below_top >= depth_) {
      fail(Evaluation::kMalformed);
      return 0;
    }
    return values_[depth_ - 1 - below_top];
  }
  void push_register(std::uint64_t reg, std::int64_t offset) noexcept {
    if (reg >= kRegisterCount) return fail(Evaluation::kMalformed);
    if (!registers_.has(static_cast<unsigned>(reg))) return fail(Evaluation::kLostRegister);
    push(registers_[static_cast<unsigned>(reg)] + static_cast<std::uint64_t>(offset));
  }
  void dereference(unsigned size) noexcept {
    const std::uint64_t address = pop();
    if (size != 1 && size != 2 && size != 4 && size != 8) return fail(Evaluation::kMalformed);
    if (!stack_.contains(address, size)) return fail(Evaluation::kOutsideStack);
    std::uint64_t value = 0;
    for (unsigned i = 0; i < size; ++i) {
      value |= std::uint64_t{reinterpret_cast<const std::uint8_t*>(address)[i]} << (8 * i);
    }
    push(value);
  }
  void jump(std::int16_t distance) noexcept {
    const std::int64_t target = reader_.position() - expression_.data() + distance;
    if (target < 0 || target > static_cast<std::int64_t>(expression_.size())) {
      return fail(Evaluation::kMalformed);
    }
    reader_ = ByteReader(expression_.subspan(static_cast<std::size_t>(target)));
  }

  const Bytes expression_;
  ByteReader reader_;
  const Registers& registers_;
  const StackMemory& stack_;
  std::array<std::uint64_t, kExpressionStackSize> values_;
  unsigned depth_ = 0;
  Evaluation status_ = Evaluation::kOk;
};

void Evaluator::execute(std::uint8_t operation) noexcept {
  if (operation >= kLit0 && operation <= kLit31) return push(operation - kLit0);
  if (operation >= kBreg0 && operation <= kBreg31) {
    return push_register(operation - kBreg0, reader_.sleb());
  }
  switch (operation) {
    case kNop: return;
    case kBregx: {
      const std::uint64_t reg = reader_.uleb();
      return push_register(reg, reader_.sleb());
    }
    case kDeref: return dereference(8);
    case kDerefSize: return dereference(reader_.u8());
    case kSkip: return jump(reader_.fixed<std::int16_t>());
    case kBra: {
      const auto distance = reader_.fixed<std::int16_t>();
      if (pop() != 0) jump(distance);
      return;
    }
    default: break;
  }
  if (!execute_constant(operation) && !execute_shuffle(operation) && !execute_unary(operation)) {
    execute_binary(operation);
  }
}

bool Evaluator::execute_constant(std::uint8_t operation) noexcept {
  switch (operation) {
    case kConst1u: push(reader_.u8()); return true;
    case kConst1s:
      push(static_cast<std::uint64_t>(std::int64_t{reader_.fixed<std::int8_t>()}));
      return true;
    case kConst2u: push(reader_.u16()); return true;
    case kConst2s:
      push(static_cast<std::uint64_t>(std::int64_t{reader_.fixed<std::int16_t>()}));
      return true;
    case kConst4u: push(reader_.u32()); return true;
    case kConst4s:
      push(static_cast<std::uint64_t>(std::int64_t{reader_.fixed<std::int32_t>()}));
      return true;
    case kAddr:
    case kConst8u:
    case kConst8s: push(reader_.u64()); return true;
    case kConstu: push(reader_.uleb()); return true;
    case kConsts: push(static_cast<std::uint64_t>(reader_.sleb())); return true;
    default: return false;
  }
}

bool Evaluator::execute_shuffle(std::uint8_t operation) noexcept {
  switch (operation) {
    case kDup: push(peek(0)); return true;
    case kDrop: pop(); return true;
    case kOver: push(peek(1)); return true;
    case kPick: push(peek(reader_.u8())); return true;
    case kSwap: {
      const std::uint64_t top = pop();
      const std::uint64_t second = pop();
      push(top);
      push(second);
      return true;
    }
    case kRot: {
      const std::uint64_t top = pop();
      const std::uint64_t second = pop();
      const std::uint64_t third = pop();
      push(top);
      push(third);
      push(second);
      return true;
    }
    default: return false;
  }
}

bool Evaluator::execute_unary(std::uint8_t operation) noexcept {
  switch (operation) {
    case kAbs: {
      const std::uint64_t value = pop();
      push(static_cast<std::int64_t>(value) < 0 ? 0 - value : value);
      return true;
    }
    case kNeg: push(0 - pop()); return true;
    case kNot: push(~pop()); return true;
    case kPlusUconst: {
      const std::uint64_t addend = reader_.uleb();
      push(pop() + addend);
      return true;
    }
    default: return false;
  }
}

void Evaluator::execute_binary(std::uint8_t operation) noexcept {
  const std::uint64_t right = pop();
  const std::uint64_t left = pop();
  const auto signed_right = static_cast<std::int64_t>(right);
  const auto signed_left = static_cast<std::int64_t>(left);
  const bool right_in_range = right < 64;  // wider shifts are undefined in C++, all bits in DWARF
  switch (operation) {
    case kAnd: return push(left & right);
    case kOr: return push(left | right);
    case kXor: return push(left ^ right);
    case kPlus: return push(left + right);
    case kMinus: return push(left - right);
    case kMul: return push(left * right);
    case kDiv:
      if (right == 0) return fail(Evaluation::kMalformed);
      if (signed_right == -1) return push(0 - left);  // INT64_MIN / -1 traps
      return push(static_cast<std::uint64_t>(signed_left / signed_right));
    case kMod:
      if (right == 0) return fail(Evaluation::kMalformed);
      return push(left % right);
    case kShl: return push(right_in_range ? left << right : 0);
    case kShr: return push(right_in_range ? left >> right : 0);
    case kShra:
      return push(static_cast<std::uint64_t>(signed_left >> (right_in_range ? right : 63)));
    case kEq: return push(signed_left == signed_right ? 1 : 0);
    case kGe: return push(signed_left >= signed_right ? 1 : 0);
    case kGt: return push(signed_left > signed_right ? 1 : 0);
    case kLe: return push(signed_left <= signed_right ? 1 : 0);
    case kLt: return push(signed_left < signed_right ? 1 : 0);
    case kNe: return push(signed_left != signed_right ? 1 : 0);
    default: return fail(Evaluation::kMalformed);
  }
}

}  // namespace

Evaluation evaluate_expression(Bytes expression, const Registers& registers,
                               const StackMemory& stack, const std::uint64_t* initial,
                               std::uint64_t& result) noexcept {
  Evaluator evaluator(expression, registers, stack);
  if (initial != nullptr) evaluator.push(*initial);
  return evaluator.run(result);
}

}  // namespace otprof::unwind
