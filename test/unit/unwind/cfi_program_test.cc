// SPDX-License-Identifier: Apache-2.0
#include "agent/unwind/cfi_program.h"

#include <catch2/catch.hpp>

#include "test/unit/unwind/cfi_bytes.h"

namespace otprof::unwind {

using otprof::test::describe;
using otprof::test::kUsualInitial;
using otprof::test::Program;

namespace {

// The row at 0x1000 + offset.
CfiRow row_at(const Program& program, std::uint64_t offset) {
  CfiRow row;
  REQUIRE(run_cfi_program(describe(program, kUsualInitial), 0x1000 + offset, row));
  return row;
}

bool refused(const Program& program, const Program& initial = kUsualInitial) {
  CfiRow row;
  return !run_cfi_program(describe(program, initial), 0x1fff, row);
}

const Program kPrologue = {
    0x41, 0x0e, 16,   0x86, 2,     // 1: push rbp
    0x43, 0x0d, 6,                 // 4: mov rbp, rsp
    0x02, 16,   0x83, 3,           // 20: rbx saved
    0x0a,                          // remember_state
    0x03, 0x00, 0x01,              // 276: advance_loc2
    0x0c, 7,    8,    0xc6, 0xc3,  // epilogue
    0x04, 1,    0,    0,    0,     // 277: advance_loc4
    0x0b,                          // restore_state
};

}  // namespace

TEST_CASE("the row of each part of an ordinary function") {
  CfiRow row = row_at(kPrologue, 0);
  CHECK(row.cfa_register == kRsp);
  CHECK(row.cfa_operand == 8);
  CHECK(row.rule[kRip] == RuleKind::kAtCfa);
  CHECK(row.operand[kRip] == -8);
  CHECK(row.rule[kRbp] == RuleKind::kUnspecified);

  row = row_at(kPrologue, 1);
  CHECK(row.cfa_operand == 16);
  CHECK(row.rule[kRbp] == RuleKind::kAtCfa);
  CHECK(row.operand[kRbp] == -16);

  row = row_at(kPrologue, 19);
  CHECK(row.cfa_register == kRbp);
  CHECK(row.cfa_operand == 16);
  CHECK(row.rule[kRbx] == RuleKind::kUnspecified);
  CHECK(row_at(kPrologue, 20).rule[kRbx] == RuleKind::kAtCfa);

  row = row_at(kPrologue, 276);
  CHECK(row.cfa_register == kRsp);
  CHECK(row.cfa_operand == 8);
  CHECK(row.rule[kRbp] == RuleKind::kUnspecified);
  CHECK(row.rule[kRbx] == RuleKind::kUnspecified);

  row = row_at(kPrologue, 277);
  CHECK(row.cfa_register == kRbp);
  CHECK(row.operand[kRbx] == -24);
}

TEST_CASE("every kind of register rule") {
  const Program program = {
      0x05, 12, 4,              // offset_extended r12, -32
      0x11, 13, 0x7e,           // offset_extended_sf r13, -2 -> +16
      0x14, 3,  2,              // val_offset rbx, -16
      0x15, 6,  0x7f,           // val_offset_sf rbp, +8
      0x09, 14, 0,              // register r14 in rax
      0x08, 15,                 // same_value r15
      0x07, 0,                  // undefined rax
      0x2f, 1,  3,              // GNU_negative_offset_extended rdx: -3 * -8
      0x10, 2,  2,    0x77, 8,  // expression rcx: breg7 8
      0x16, 4,  1,    0x30,     // val_expression rsi: lit0
      0x2e, 32,                 // GNU_args_size
      0x05, 17, 9,              // a register that is not followed
      0x00,                     // nop
  };
  const CfiRow row = row_at(program, 0);
  CHECK(row.operand[kR12] == -32);
  CHECK(row.operand[kR13] == 16);
  CHECK(row.rule[kRbx] == RuleKind::kCfaPlus);
  CHECK(row.operand[kRbx] == -16);
  CHECK(row.rule[kRbp] == RuleKind::kCfaPlus);
  CHECK(row.operand[kRbp] == 8);
  CHECK(row.rule[kR14] == RuleKind::kRegister);
  CHECK(row.operand[kR14] == kRax);
  CHECK(row.rule[kR15] == RuleKind::kSame);
  CHECK(row.rule[kRax] == RuleKind::kUndefined);
  CHECK(row.operand[kRdx] == 24);
  CHECK(row.rule[kRcx] == RuleKind::kAtExpression);
  CHECK(program[static_cast<std::size_t>(row.operand[kRcx])] == 2);  // its length field
  CHECK(row.rule[kRsi] == RuleKind::kIsExpression);
}

TEST_CASE("every way to define the frame address") {
  CHECK(row_at({0x12, 6, 0x7e}, 0).cfa_operand == 16);  // def_cfa_sf
  CHECK(row_at({0x13, 0x7d}, 0).cfa_operand == 24);     // def_cfa_offset_sf
  CHECK(row_at({0x0f, 2, 0x76, 0x78}, 0).cfa_kind == CfaKind::kExpression);
  CHECK(row_at({0x0f, 1, 0x30, 0x0c, 7, 8}, 0).cfa_kind == CfaKind::kRegisterOffset);
}

TEST_CASE("restore takes the rule of the CIE") {
  const Program initial = {0x0c, 7, 8, 0x90, 1, 0x83, 5};
  const Program program = {0x83, 7, 0x41, 0xc3, 0x41, 0x07, 3, 0x41, 0x06, 3};
  CfiRow row;
  for (const std::uint64_t offset : {1, 3}) {
    REQUIRE(run_cfi_program(describe(program, initial), 0x1000 + offset, row));
    CHECK(row.operand[kRbx] == -40);
  }
}

TEST_CASE("malformed programs are refused") {
  CHECK(refused({0x0b}));                                // restore_state without remember_state
  CHECK(refused({0x0a, 0x0a, 0x0a, 0x0a, 0x0a}));        // deeper than any real one
  CHECK(refused({0x86}));                                // operand missing
  CHECK(refused({0x05, 12}));                            //
  CHECK(refused({0x10, 3, 0x7f, 0x30}));                 // block longer than the section
  CHECK(refused({0x0f, 0xff, 0xff, 0xff, 0xff, 0x0f}));  //
  CHECK(refused({0x1c}));                                // unknown, with an unknown length
  CHECK(refused({0x01, 0, 0, 0, 0, 0, 0, 0, 0}));        // set_loc
  CHECK(refused({0x0c, 60, 8}));                         // CFA in a register that does not exist
  CHECK(refused({0x09, 3, 60}));                         // value likewise
  CHECK(refused({0x0d, 6}, {0x0f, 1, 0x30}));            // offset of an expression
  CHECK(refused({}, {0xc3}));                            // restore in the CIE
  CHECK(refused({0x0e, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}));  // offset beyond 32 bits
  // The location wraps around.
  CHECK(refused({0x41, 0x1d, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}));
  CHECK_FALSE(refused({}));
}

TEST_CASE("an over-long program is refused, not run to its end") {
  Program program(kMaxCfiInstructions + 10, 0x00);
  CHECK(refused(program));
  program.resize(kMaxCfiInstructions / 2);
  CHECK_FALSE(refused(program));
}

}  // namespace otprof::unwind
