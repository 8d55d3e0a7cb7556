// SPDX-License-Identifier: Apache-2.0
#include "agent/unwind/packed_rule.h"

#include <catch2/catch.hpp>

#include "test/unit/unwind/cfi_bytes.h"

namespace otprof::unwind {

using otprof::test::Program;

namespace {

CfiRow entry_row() {
  CfiRow row{};
  row.cfa_kind = CfaKind::kRegisterOffset;
  row.cfa_register = kRsp;
  row.cfa_operand = 8;
  row.rule[kRip] = RuleKind::kAtCfa;
  row.operand[kRip] = -8;
  return row;
}

void save(CfiRow& row, unsigned reg, std::int32_t offset) {
  row.rule[reg] = RuleKind::kAtCfa;
  row.operand[reg] = offset;
}

std::optional<PackedRule> pack(const CfiRow& row) { return pack_rule(row, {}, false); }

}  // namespace

TEST_CASE("the entry state is kEntryRule") {
  REQUIRE(pack(entry_row()));
  CHECK(*pack(entry_row()) == kEntryRule);
  CHECK(kEntryRule.kind() == kRsp);
  CHECK(kEntryRule.offset() == 8);
}

TEST_CASE("offsets and saved registers survive packing") {
  for (const std::int32_t offset : {8, 16, -8, 64, 4096, 1048568, -1048568}) {
    CfiRow row = entry_row();
    row.cfa_register = kRbp;
    row.cfa_operand = offset;
    for (unsigned i = 0; i < kPackedRegisters.size(); ++i) {
      save(row, kPackedRegisters[i], -16 - 8 * static_cast<std::int32_t>(i));
    }
    const auto rule = pack(row);
    REQUIRE(rule);
    CHECK(rule->kind() == kRbp);
    CHECK(rule->offset() == offset);
    for (unsigned i = 0; i < kPackedRegisters.size(); ++i) CHECK(rule->field(i) == i + 1);
    CHECK(rule->reach() == PackedRule::kUsualReach);
  }
}

TEST_CASE("the farthest slot that fits") {
  CfiRow row = entry_row();
  save(row, kR15, -8 - 8 * 127);
  REQUIRE(pack(row));
  CHECK(pack(row)->field(5) == 127);
  CHECK(pack(row)->reach() == PackedRule::kReach);
  save(row, kR15, -8 - 8 * 128);
  CHECK_FALSE(pack(row));
}

TEST_CASE("what the word cannot say is not packed") {
  const auto not_packed = [](auto change) {
    CfiRow row = entry_row();
    change(row);
    return !pack(row);
  };
  CHECK(not_packed([](CfiRow& row) { row.cfa_operand = 12; }));
  CHECK(not_packed([](CfiRow& row) { row.cfa_operand = 1048576; }));
  CHECK(not_packed([](CfiRow& row) { row.cfa_register = kR10; }));
  CHECK(not_packed([](CfiRow& row) {
    row.cfa_kind = CfaKind::kUndefined;
    row.cfa_register = 0;
  }));
  CHECK(not_packed([](CfiRow& row) { row.operand[kRip] = -16; }));
  CHECK(not_packed([](CfiRow& row) { row.rule[kRip] = RuleKind::kRegister; }));
  CHECK(not_packed([](CfiRow& row) { save(row, kRbx, -8); }));   // the return address's slot
  CHECK(not_packed([](CfiRow& row) { save(row, kRbx, 8); }));    // above
  CHECK(not_packed([](CfiRow& row) { save(row, kRbx, -20); }));  // between slots
  CHECK(not_packed([](CfiRow& row) { save(row, kRax, -16); }));  // followed by the slow step only
  CHECK(not_packed([](CfiRow& row) { save(row, kRsp, -16); }));
  CHECK(not_packed([](CfiRow& row) { row.rule[kRbp] = RuleKind::kUndefined; }));
  CHECK(not_packed([](CfiRow& row) { row.rule[kRbp] = RuleKind::kCfaPlus; }));
  CHECK_FALSE(pack_rule(entry_row(), {}, true));  // a signal frame
}

TEST_CASE("an undefined return address is the root, whatever else is said") {
  CfiRow row = entry_row();
  row.rule[kRip] = RuleKind::kUndefined;
  row.cfa_register = kR10;
  REQUIRE(pack(row));
  CHECK(pack(row)->kind() == kRootRule);
}

TEST_CASE("a realigned frame is packed if it is just that") {
  // 0: CFA = *(rbp - 8); 4: at rbp; 7: at rbp - 16; 10: more than an offset; 14: of another register
  const Program section = {3,    0x76, 0x78, 0x06, 2,    0x76, 0,    2,    0x76,
                           0x70, 3,    0x76, 0x78, 0x96, 3,    0x73, 0x78, 0x06};
  CfiRow row = entry_row();
  row.cfa_kind = CfaKind::kExpression;
  row.cfa_operand = 0;
  row.rule[kRbp] = RuleKind::kAtExpression;
  row.operand[kRbp] = 4;
  row.rule[kR12] = RuleKind::kAtExpression;
  row.operand[kR12] = 7;
  const auto rule = pack_rule(row, section, false);
  REQUIRE(rule);
  CHECK(rule->kind() == kRealignedRule);
  CHECK(rule->offset() == -8);
  CHECK(rule->field(1) == 1);  // slot_base is rbp + 8
  CHECK(rule->field(2) == 3);
  for (const std::int32_t place : {4, 10, 14}) {
    row.cfa_operand = place;
    CHECK_FALSE(pack_rule(row, section, false));
  }
}

}  // namespace otprof::unwind
