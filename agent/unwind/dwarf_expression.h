// SPDX-License-Identifier: Apache-2.0
//
// Evaluates the DWARF expressions that occur in call frame information (DWARF 5, 2.5): arithmetic on
// registers, constants and stack slots. Operations that need more than that are refused.
// Usable from a signal handler and a malloc hook. Loads only from the given stack; ends after at most
// kMaxExpressionOperations.
#pragma once

#include <cstdint>

#include "agent/unwind/byte_reader.h"
#include "agent/unwind/registers.h"
#include "agent/unwind/stack_memory.h"

namespace otprof::unwind {

inline constexpr unsigned kMaxExpressionOperations = 256;
inline constexpr unsigned kExpressionStackSize = 16;

enum class Evaluation : std::uint8_t {
  kOk,
  kMalformed,     // truncated, stack over- or underflow, unsupported operation
  kLostRegister,  // needs a register whose value is not known in this frame
  kOutsideStack,  // dereferences an address outside the stack
};

// `initial` is pushed first if not null (the CFA, for register rules).
Evaluation evaluate_expression(Bytes expression, const Registers& registers,
                               const StackMemory& stack, const std::uint64_t* initial,
                               std::uint64_t& result) noexcept;

}  // namespace otprof::unwind
