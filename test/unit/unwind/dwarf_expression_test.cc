// SPDX-License-Identifier: Apache-2.0
#include "agent/unwind/dwarf_expression.h"

#include <array>
#include <catch2/catch.hpp>
#include <vector>

namespace otprof::unwind {

namespace {

using Expression = std::vector<std::uint8_t>;

struct Fixture {
  std::array<std::uint64_t, 8> words = {10, 11, 12, 13, 14, 15, 16, 17};
  Registers registers;
  std::uint64_t low = reinterpret_cast<std::uintptr_t>(words.data());
  StackMemory stack{low, low + sizeof words};

  Fixture() {
    registers.set(kRsp, low);
    registers.set(kRip, 0x40100b);
  }
  Evaluation evaluate(const Expression& expression, std::uint64_t& result,
                      const std::uint64_t* initial = nullptr) const {
    return evaluate_expression(expression, registers, stack, initial, result);
  }
  std::uint64_t value(const Expression& expression) const {
    std::uint64_t result = 0;
    REQUIRE(evaluate(expression, result) == Evaluation::kOk);
    return result;
  }
  Evaluation failure(const Expression& expression) const {
    std::uint64_t result = 0;
    return evaluate(expression, result);
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "constants") {
  CHECK(value({0x30}) == 0);
  CHECK(value({0x4f}) == 31);
  CHECK(value({0x08, 0xff}) == 255);
  CHECK(value({0x09, 0xff}) == UINT64_MAX);
  CHECK(value({0x0a, 0x00, 0x80}) == 0x8000);
  CHECK(value({0x0b, 0x00, 0x80}) == static_cast<std::uint64_t>(-0x8000));
  CHECK(value({0x0c, 1, 0, 0, 0x80}) == 0x80000001);
  CHECK(value({0x0d, 0xfe, 0xff, 0xff, 0xff}) == static_cast<std::uint64_t>(-2));
  CHECK(value({0x0e, 1, 0, 0, 0, 0, 0, 0, 1}) == 0x0100000000000001);
  CHECK(value({0x10, 0x80, 0x01}) == 128);
  CHECK(value({0x11, 0x7f}) == UINT64_MAX);
}

TEST_CASE_METHOD(Fixture, "arithmetic, logic and comparison") {
  CHECK(value({0x39, 0x34, 0x1c}) == 5);                                     // 9 - 4
  CHECK(value({0x39, 0x34, 0x22}) == 13);                                    // +
  CHECK(value({0x39, 0x34, 0x1e}) == 36);                                    // *
  CHECK(value({0x11, 0x77, 0x34, 0x1b}) == static_cast<std::uint64_t>(-2));  // -9 / 4
  CHECK(value({0x39, 0x34, 0x1d}) == 1);                                     // 9 % 4
  CHECK(value({0x33, 0x35, 0x1a}) == 1);                                     // &
  CHECK(value({0x33, 0x35, 0x21}) == 7);                                     // |
  CHECK(value({0x33, 0x35, 0x27}) == 6);                                     // ^
  CHECK(value({0x33, 0x34, 0x24}) == 48);                                    // <<
  CHECK(value({0x11, 0x70, 0x32, 0x26}) == static_cast<std::uint64_t>(-4));  // -16 >> 2
  CHECK(value({0x11, 0x70, 0x08, 60, 0x25}) == 15);                          // logical
  CHECK(value({0x31, 0x08, 64, 0x24}) == 0);                                 // shifted out
  CHECK(value({0x31, 0x1f}) == UINT64_MAX);                                  // neg
  CHECK(value({0x31, 0x20}) == UINT64_MAX - 1);                              // not
  CHECK(value({0x11, 0x7b, 0x19}) == 5);                                     // abs
  CHECK(value({0x31, 0x23, 0x80, 0x01}) == 129);                             // plus_uconst
  CHECK(value({0x11, 0x7f, 0x31, 0x2d}) == 1);                               // -1 < 1
  CHECK(value({0x31, 0x31, 0x29}) == 1);                                     // ==
  CHECK(value({0x31, 0x31, 0x2a}) == 1);                                     // >=
  CHECK(value({0x31, 0x31, 0x2b}) == 0);                                     // >
  CHECK(value({0x31, 0x31, 0x2c}) == 1);                                     // <=
  CHECK(value({0x31, 0x31, 0x2e}) == 0);                                     // !=
}

TEST_CASE_METHOD(Fixture, "stack operations and jumps") {
  CHECK(value({0x33, 0x12, 0x22}) == 6);              // dup
  CHECK(value({0x33, 0x34, 0x13}) == 3);              // drop
  CHECK(value({0x33, 0x34, 0x14, 0x13, 0x13}) == 3);  // over
  CHECK(value({0x33, 0x34, 0x35, 0x15, 2}) == 3);     // pick
  CHECK(value({0x33, 0x34, 0x16, 0x1c}) == 1);        // swap: 4 - 3
  CHECK(value({0x31, 0x32, 0x33, 0x17}) == 2);        // rot
  CHECK(value({0x31, 0x2f, 1, 0, 0x32, 0x96}) == 1);  // skip
  CHECK(value({0x33, 0x31, 0x28, 1, 0, 0x30}) == 3);  // bra, taken
  CHECK(value({0x33, 0x30, 0x28, 1, 0, 0x34}) == 4);  // bra, not taken
}

TEST_CASE_METHOD(Fixture, "registers and the stack") {
  CHECK(value({0x77, 8}) == low + 8);
  CHECK(value({0x77, 0x10, 0x06}) == 12);
  CHECK(value({0x92, 7, 8}) == low + 8);
  CHECK(value({0x77, 0x10, 0x94, 1}) == 12);
  CHECK(failure({0x70, 0}) == Evaluation::kLostRegister);
  CHECK(failure({0x77, 0x40, 0x06}) == Evaluation::kOutsideStack);  // below, -64
  CHECK(failure({0x77, 0x39, 0x06}) == Evaluation::kOutsideStack);  // 57: last byte outside
  CHECK(failure({0x30, 0x06}) == Evaluation::kOutsideStack);
  CHECK(failure({0x11, 0x7f, 0x06}) == Evaluation::kOutsideStack);
  CHECK(failure({0x77, 0, 0x94, 3}) == Evaluation::kMalformed);
}

TEST_CASE_METHOD(Fixture, "the initial value is on the stack") {
  const std::uint64_t cfa = 100;
  std::uint64_t result = 0;
  CHECK(evaluate({0x23, 5}, result, &cfa) == Evaluation::kOk);
  CHECK(result == 105);
}

TEST_CASE_METHOD(Fixture, "the linker's expression for .plt") {
  // rsp + 8 + ((rip & 15) >= 11 ? 8 : 0)
  const Expression plt = {0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22};
  CHECK(value(plt) == low + 16);
  registers.set(kRip, 0x40100a);
  CHECK(value(plt) == low + 8);
}

TEST_CASE_METHOD(Fixture, "malformed expressions") {
  CHECK(failure({}) == Evaluation::kMalformed);
  CHECK(failure({0x22}) == Evaluation::kMalformed);              // nothing to add
  CHECK(failure({0x31, 0x14}) == Evaluation::kMalformed);        // over needs two
  CHECK(failure({0x31, 0x15, 1}) == Evaluation::kMalformed);     // pick below the bottom
  CHECK(failure({0x0e, 1, 2}) == Evaluation::kMalformed);        // truncated
  CHECK(failure({0x31, 0x30, 0x1b}) == Evaluation::kMalformed);  // division by zero
  CHECK(failure({0x31, 0x30, 0x1d}) == Evaluation::kMalformed);
  CHECK(failure({0x31, 0x2f, 0x00, 0x70}) == Evaluation::kMalformed);  // jump out
  CHECK(failure({0x31, 0x2f, 0xf0, 0xff}) == Evaluation::kMalformed);
  CHECK(failure({0x9c}) == Evaluation::kMalformed);  // call_frame_cfa
  CHECK(failure(Expression(kExpressionStackSize + 1, 0x31)) == Evaluation::kMalformed);
  CHECK(value({0x0e, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x11, 0x7f, 0x1b}) == std::uint64_t{1} << 63);
}

TEST_CASE_METHOD(Fixture, "an endless loop ends") {
  CHECK(failure({0x2f, 0xfd, 0xff}) == Evaluation::kMalformed);
}

}  // namespace otprof::unwind
