// SPDX-License-Identifier: Apache-2.0
//
// One row of the unwind table: how to find, at one pc, the canonical frame address (CFA: the value of
// the stack pointer in the caller, after the return) and each register of the caller.
// Plain data, small on purpose: the interpreter keeps several of them on a signal handler's stack.
#pragma once

#include <array>
#include <cstdint>

#include "agent/unwind/registers.h"

namespace otprof::unwind {

enum class RuleKind : std::uint8_t {
  kUnspecified,   // nothing said: kept by the ABI if callee-saved, lost otherwise
  kSame,          // keeps its value
  kUndefined,     // lost; for the return address: there is no caller
  kAtCfa,         // stored at CFA + operand
  kCfaPlus,       // is CFA + operand
  kRegister,      // is in register `operand`
  kAtExpression,  // stored at the address that the expression yields
  kIsExpression,  // is what the expression yields
};

enum class CfaKind : std::uint8_t {
  kUndefined,       // no instruction has defined it yet
  kRegisterOffset,  // register + operand
  kExpression,      // the value of the expression
};

// Value-initialised ("CfiRow{}"), it is the row before any instruction.
struct CfiRow {
  std::array<RuleKind, kRegisterCount> rule;
  CfaKind cfa_kind;
  std::uint8_t cfa_register;
  std::int32_t cfa_operand;  // bytes, or the expression's place
  // Bytes, a register number, or the expression's place (its length field) in the section.
  std::array<std::int32_t, kRegisterCount> operand;
};

static_assert(sizeof(CfiRow) <= 96, "the interpreter keeps six rows within 2 KiB of stack");

}  // namespace otprof::unwind
