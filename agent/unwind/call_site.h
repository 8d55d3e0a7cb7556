// SPDX-License-Identifier: Apache-2.0
//
// Tells a return address from any other number on the stack: it lies in executable code of a module,
// right after a call instruction. Used only where the tables say nothing.
// Usable from a signal handler and a malloc hook.
#pragma once

#include <cstdint>

#include "agent/unwind/byte_reader.h"
#include "agent/unwind/module.h"

namespace otprof::unwind {

// Whether the bytes before `end` of `code` can be a near call: call rel32, or call r/m64 in each of
// its lengths. (Bytes of another instruction can look like one; about one position in 40 does.)
bool ends_with_call(Bytes code) noexcept;

enum class ReturnAddress : std::uint8_t {
  kAfterCall,  // in a module's code, after a call
  kNoModule,   // in no module: generated code, or no address at all
  kNo,         // in a module, but nothing returns there
};

struct CallSite {
  ReturnAddress kind = ReturnAddress::kNo;
  std::uint64_t direct_target = 0;  // what it calls if it is a direct call, else 0
};
CallSite find_call_site(std::uint64_t return_address) noexcept;

// The bytes of a module's code from `address` to the end of their segment; empty if it is not code.
Bytes code_from(std::uint64_t address) noexcept;

}  // namespace otprof::unwind
