// SPDX-License-Identifier: Apache-2.0
//
// The registers an unwind starts from, in DWARF numbering (System V x86-64 psABI, figure 3.36).
// Usable from a signal handler and a malloc hook.
#pragma once

#include <ucontext.h>

#include <array>
#include <cstdint>

namespace otprof::unwind {

enum DwarfRegister : unsigned {
  kRax = 0,
  kRdx = 1,
  kRcx = 2,
  kRbx = 3,
  kRsi = 4,
  kRdi = 5,
  kRbp = 6,
  kRsp = 7,
  kR8 = 8,
  kR9 = 9,
  kR10 = 10,
  kR11 = 11,
  kR12 = 12,
  kR13 = 13,
  kR14 = 14,
  kR15 = 15,
  kRip = 16,
  kRegisterCount = 17,
};

// What the System V ABI makes every function give back to its caller unchanged, with the two that
// each step computes. A register outside this set is lost at the first call.
inline constexpr std::uint32_t kPreservedRegisters = 1U << kRbx | 1U << kRbp | 1U << kRsp |
                                                     1U << kR12 | 1U << kR13 | 1U << kR14 |
                                                     1U << kR15 | 1U << kRip;

struct Registers {
  std::array<std::uint64_t, kRegisterCount> value{};
  std::uint32_t valid = 0;  // bit per register: a caller-saved one is unknown above the first frame

  std::uint64_t operator[](unsigned reg) const { return value[reg]; }
  bool has(unsigned reg) const { return (valid >> reg & 1U) != 0; }
  void set(unsigned reg, std::uint64_t to) {
    value[reg] = to;
    valid |= 1U << reg;
  }
};
static_assert(sizeof(Registers) == 144, "otprof_capture_registers stores by these offsets");

// All registers of an interrupted instruction.
Registers registers_from_context(const ucontext_t& context) noexcept;

// The registers as its caller has them after it returns: rip is the return address, rsp the stack
// pointer there, the callee-saved ones are known and no others. A walk from here must begin before
// the caller returns. For malloc hooks; costs eight stores.
extern "C" void otprof_capture_registers(Registers* registers) noexcept;
inline void capture_registers(Registers& registers) noexcept {
  otprof_capture_registers(&registers);
}

}  // namespace otprof::unwind
