// SPDX-License-Identifier: Apache-2.0
#include "agent/unwind/cfi_step.h"

#include <array>
#include <catch2/catch.hpp>

#include "test/unit/unwind/cfi_bytes.h"

namespace otprof::unwind {

using otprof::test::Program;

namespace {

constexpr std::uint64_t kReturnAddress = 0x401234;

// A stack of 64 words, each holding its own index but for the return address, and a frame in the
// middle of it. The walk may read from 128 bytes below the frame on.
struct Fixture {
  alignas(16) std::array<std::uint64_t, 64> words;
  Frame frame;

  Fixture() {
    for (std::size_t i = 0; i < words.size(); ++i) words[i] = i;
    words[23] = kReturnAddress;
    for (unsigned reg = 0; reg < kRegisterCount; ++reg) frame.registers.set(reg, 0xdead0000 + reg);
    frame.interrupted = false;
    frame.registers.set(kRsp, at(20));
    frame.registers.set(kRbp, at(22));
    frame.lookup_pc = frame.registers[kRip];
  }
  std::uint64_t at(std::size_t index) const {
    return reinterpret_cast<std::uintptr_t>(words.data() + index);
  }
  // The same frame as one in the middle of a stack.
  Frame ordinary_frame() const {
    Frame ordinary = frame;
    ordinary.registers.valid = kPreservedRegisters;
    REQUIRE(can_step_fast(ordinary));
    return ordinary;
  }
  StackMemory stack() const { return {at(4), at(64)}; }

  static CfiRow row(unsigned base, std::int32_t offset) {
    CfiRow row{};
    row.cfa_kind = CfaKind::kRegisterOffset;
    row.cfa_register = static_cast<std::uint8_t>(base);
    row.cfa_operand = offset;
    row.rule[kRip] = RuleKind::kAtCfa;
    row.operand[kRip] = -8;
    return row;
  }
  static void set(CfiRow& row, unsigned reg, RuleKind kind, std::int32_t operand) {
    row.rule[reg] = kind;
    row.operand[reg] = operand;
  }
};

void check_same(const Frame& a, const Frame& b) {
  for (unsigned reg = 0; reg < kRegisterCount; ++reg) {
    CHECK(a.registers.has(reg) == b.registers.has(reg));
    if (a.registers.has(reg)) CHECK(a.registers[reg] == b.registers[reg]);
  }
  CHECK(a.lookup_pc == b.lookup_pc);
  CHECK(a.interrupted == b.interrupted);
}

}  // namespace

TEST_CASE_METHOD(Fixture, "a step by row, by packed rule and by the fast way are the same") {
  CfiRow ordinary = row(kRsp, 32);
  set(ordinary, kRbx, RuleKind::kAtCfa, -16);
  set(ordinary, kRbp, RuleKind::kAtCfa, -24);
  set(ordinary, kR14, RuleKind::kAtCfa, -64);
  CfiRow far_slot = row(kRbp, 16);
  set(far_slot, kR12, RuleKind::kAtCfa, -128);
  set(far_slot, kR13, RuleKind::kSame, 0);
  for (const CfiRow& one : {row(kRsp, 32), row(kRbp, 16), ordinary, far_slot}) {
    Frame by_row = frame;
    REQUIRE_FALSE(step_by_row(one, {}, false, by_row, stack()));
    CHECK(by_row.registers[kRip] == kReturnAddress);
    CHECK(by_row.registers[kRsp] == at(24));
    CHECK(by_row.lookup_pc == kReturnAddress - 1);
    CHECK_FALSE(by_row.registers.has(kRax));
    const auto rule = pack_rule(one, {}, false);
    REQUIRE(rule);
    Frame by_rule = frame;
    REQUIRE_FALSE(step_by_rule(*rule, by_rule, stack()));
    check_same(by_row, by_rule);
    Frame fast = ordinary_frame();
    if (step_fast(*rule, fast, stack())) check_same(by_row, fast);
  }
  Frame fast = ordinary_frame();
  CHECK(step_fast(*pack_rule(ordinary, {}, false), fast, stack()));
}

TEST_CASE_METHOD(Fixture, "a saved register below the stack pointer is read within the red zone") {
  // After the pop and before the return of an epilogue whose tables still point at the slot.
  frame.registers.set(kRsp, at(23));
  CfiRow epilogue = row(kRsp, 8);
  set(epilogue, kRbp, RuleKind::kAtCfa, -16);
  Frame caller = frame;
  REQUIRE_FALSE(step_by_row(epilogue, {}, false, caller, {at(23) - kRedZone, at(64)}));
  CHECK(caller.registers[kRbp] == 22);
  caller = ordinary_frame();
  REQUIRE(step_fast(*pack_rule(epilogue, {}, false), caller, {at(23) - kRedZone, at(64)}));
  CHECK(caller.registers[kRbp] == 22);
}

TEST_CASE_METHOD(Fixture, "bad frame addresses end the walk") {
  const auto end_by_row = [&](const CfiRow& one) {
    Frame caller = frame;
    return step_by_row(one, {}, false, caller, stack());
  };
  const auto end_by_rule = [&](const CfiRow& one) {
    const auto rule = pack_rule(one, {}, false);
    if (!rule) return end_by_row(one);
    Frame caller = ordinary_frame();
    CHECK_FALSE(step_fast(*rule, caller, stack()));
    return step_by_rule(*rule, caller, stack());
  };
  for (const CfiRow& one : {row(kRsp, 0), row(kRsp, -8), row(kRsp, 12), row(kRsp, 8 * 45),
                            row(kRbx, 8), row(kRbp, -1048568)}) {
    CHECK(end_by_row(one) == StackEnd::kBadFrame);
    CHECK(end_by_rule(one) == StackEnd::kBadFrame);
  }
  CfiRow below = row(kRsp, 32);
  set(below, kRbx, RuleKind::kAtCfa, -32 - 136);
  CHECK(end_by_row(below) == StackEnd::kBadFrame);
  CHECK(end_by_rule(below) == StackEnd::kBadFrame);
  CHECK_FALSE(end_by_row(row(kRsp, 8 * 44)));  // the last slot of the stack
}

TEST_CASE_METHOD(Fixture, "a register that is not known is not used") {
  frame.registers.valid &= ~(1U << kRbx);
  Frame caller = frame;
  CHECK(step_by_row(row(kRbx, 8), {}, false, caller, stack()) == StackEnd::kLostRegister);
  CHECK(step_by_rule(*pack_rule(row(kRbx, 8), {}, false), caller, stack()) ==
        StackEnd::kLostRegister);
  // It stays unknown in the caller, until a frame has saved it.
  caller = frame;
  CHECK_FALSE(can_step_fast(caller));
  REQUIRE_FALSE(step_by_rule(*pack_rule(row(kRsp, 32), {}, false), caller, stack()));
  CHECK_FALSE(caller.registers.has(kRbx));
  CfiRow saving = row(kRsp, 32);
  set(saving, kRbx, RuleKind::kAtCfa, -16);
  caller = frame;
  REQUIRE_FALSE(step_by_rule(*pack_rule(saving, {}, false), caller, stack()));
  CHECK(caller.registers[kRbx] == 22);
}

TEST_CASE_METHOD(Fixture, "rules that only a row can say") {
  CfiRow unusual = row(kRsp, 32);
  const Program section = {2, 0x77, 8, 1, 0x4f};  // 0: rsp + 8, 3: 31
  set(unusual, kRbx, RuleKind::kCfaPlus, -8);
  set(unusual, kRbp, RuleKind::kRegister, kRax);
  set(unusual, kR12, RuleKind::kUndefined, 0);
  set(unusual, kR13, RuleKind::kAtExpression, 0);
  set(unusual, kR14, RuleKind::kIsExpression, 3);
  set(unusual, kRcx, RuleKind::kSame, 0);
  Frame caller = frame;
  REQUIRE_FALSE(step_by_row(unusual, section, false, caller, stack()));
  CHECK(caller.registers[kRbx] == at(23));
  CHECK(caller.registers[kRbp] == 0xdead0000 + kRax);
  CHECK_FALSE(caller.registers.has(kR12));
  CHECK(caller.registers[kR13] == 21);
  CHECK(caller.registers[kR14] == 31);
  CHECK(caller.registers[kRcx] == 0xdead0000 + kRcx);
}

TEST_CASE_METHOD(Fixture, "a realigned frame, by row and by rule") {
  words[22] = 22;      // rbp: saved rbp
  words[21] = at(40);  // rbp - 8: address of the arguments
  words[20] = 20;      // rbp - 16: saved r12
  words[39] = kReturnAddress;
  const Program section = {3, 0x76, 0x78, 0x06, 2, 0x76, 0, 2, 0x76, 0x70};
  CfiRow realigned = row(kRsp, 0);
  realigned.cfa_kind = CfaKind::kExpression;
  set(realigned, kRbp, RuleKind::kAtExpression, 4);
  set(realigned, kR12, RuleKind::kAtExpression, 7);
  Frame by_row = frame;
  REQUIRE_FALSE(step_by_row(realigned, section, false, by_row, stack()));
  CHECK(by_row.registers[kRsp] == at(40));
  CHECK(by_row.registers[kRbp] == 22);
  CHECK(by_row.registers[kR12] == 20);
  Frame by_rule = frame;
  REQUIRE_FALSE(step_by_rule(*pack_rule(realigned, section, false), by_rule, stack()));
  check_same(by_row, by_rule);
}

TEST_CASE_METHOD(Fixture, "the return address in a register, as in vfork") {
  CfiRow popped = row(kRsp, 0);
  set(popped, kRip, RuleKind::kRegister, kRdi);
  frame.registers.set(kRdi, kReturnAddress);
  Frame caller = frame;
  REQUIRE_FALSE(step_by_row(popped, {}, false, caller, stack()));
  CHECK(caller.registers[kRip] == kReturnAddress);
  CHECK(caller.registers[kRsp] == frame.registers[kRsp]);
}

TEST_CASE_METHOD(Fixture,
                 "below a signal frame the address is exact and the stack may be another") {
  CfiRow signal = row(kRsp, 32);
  const Frame before = frame;
  REQUIRE_FALSE(step_by_row(signal, {}, true, frame, stack()));
  CHECK(frame.lookup_pc == kReturnAddress);
  CHECK(frame.interrupted);
  frame = before;
  words[19] = kReturnAddress;
  signal.cfa_operand = 0;  // the interrupted stack pointer is lower: fine here, and only here
  CHECK_FALSE(step_by_row(signal, {}, true, frame, stack()));
  frame = before;
  signal.cfa_kind = CfaKind::kRegisterOffset;
  signal.cfa_register = kRbx;
  CHECK(step_by_row(signal, {}, true, frame, stack()) == StackEnd::kBadFrame);
  set(signal, kRip, RuleKind::kCfaPlus, 0);
  CHECK_FALSE(step_by_row(signal, {}, true, frame, stack()));  // wherever it may be
}

TEST_CASE_METHOD(Fixture, "roots and rows without a return address") {
  CfiRow root = row(kRsp, 32);
  root.rule[kRip] = RuleKind::kUndefined;
  CHECK(step_by_row(root, {}, false, frame, stack()) == StackEnd::kRoot);
  CHECK(step_by_rule(PackedRule(kRootRule), frame, stack()) == StackEnd::kRoot);
  root.rule[kRip] = RuleKind::kUnspecified;
  CHECK(step_by_row(root, {}, false, frame, stack()) == StackEnd::kBadUnwindInfo);
  root = row(kRsp, 32);
  root.cfa_kind = CfaKind::kUndefined;
  CHECK(step_by_row(root, {}, false, frame, stack()) == StackEnd::kBadUnwindInfo);
}

}  // namespace otprof::unwind
