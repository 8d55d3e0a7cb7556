// SPDX-License-Identifier: Apache-2.0
// Runs in signal handlers and malloc hooks. Calls: _dl_find_object (module.cc).
#include "agent/unwind/untold_pushes.h"

#include <array>
#include <cstring>

#include "agent/unwind/call_site.h"

namespace otprof::unwind {
namespace {

constexpr unsigned kMaxPushes = 6;            // the callee-saved registers
constexpr std::uint64_t kMaxDistance = 4096;  // from the function's start: such functions are small
constexpr std::array<std::uint8_t, 4> kEndbr64 = {0xf3, 0x0f, 0x1e, 0xfa};

// The registers that the code pushes before it does anything else, in that order.
struct Pushes {
  std::array<unsigned, kMaxPushes> registers{};
  unsigned count = 0;
};

Pushes leading_pushes(Bytes code) noexcept {
  ByteReader reader(code);
  if (code.size() >= kEndbr64.size() &&
      std::memcmp(code.data(), kEndbr64.data(), kEndbr64.size()) == 0) {
    reader.take(kEndbr64.size());
  }
  Pushes pushes;
  while (pushes.count < kMaxPushes) {
    std::uint8_t opcode = reader.u8();
    const bool extended = opcode == 0x41;
    if (extended) opcode = reader.u8();
    if (!reader.ok() || opcode < 0x50 || opcode > 0x57) break;
    // The instruction's numbering differs from DWARF's in the registers that are not preserved.
    constexpr std::array<unsigned, 8> kLow = {kRax, kRcx, kRdx, kRbx, kRsp, kRbp, kRsi, kRdi};
    const unsigned reg = extended ? kR8 + (opcode - 0x50U) : kLow[opcode - 0x50U];
    if (reg == kRsp || (kPreservedRegisters >> reg & 1U) == 0) break;
    pushes.registers[pushes.count++] = reg;
  }
  return pushes;
}

}  // namespace

bool step_over_untold_pushes(Frame& frame, const StackMemory& stack) noexcept {
  const std::uint64_t pc = frame.lookup_pc;
  const std::uint64_t rsp = frame.registers[kRsp];
  for (unsigned pushed = 0; pushed <= kMaxPushes; ++pushed) {
    const std::uint64_t slot = rsp + 8 * pushed;
    std::uint64_t return_address = 0;
    if (!stack.read(slot, return_address)) return false;
    const CallSite site = find_call_site(return_address);
    if (site.kind != ReturnAddress::kAfterCall) continue;
    if (pushed == 0) return false;
    if (pc - site.direct_target >= kMaxDistance) continue;
    const Pushes pushes = leading_pushes(code_from(site.direct_target));
    if (pushes.count < pushed) continue;
    Registers& registers = frame.registers;
    for (unsigned i = 0; i < pushed; ++i) {
      stack.read(slot - 8 * (i + 1), registers.value[pushes.registers[i]]);
    }
    registers.value[kRip] = return_address;
    registers.value[kRsp] = slot + 8;
    registers.valid &= kPreservedRegisters;
    frame.lookup_pc = return_address - 1;
    frame.interrupted = false;
    return true;
  }
  return false;
}

}  // namespace otprof::unwind
