// SPDX-License-Identifier: Apache-2.0
// Runs in signal handlers and malloc hooks. Calls: none.
#include "agent/unwind/registers.h"

#include <cstddef>

namespace otprof::unwind {
namespace {

// Index in gregs of each DWARF register.
constexpr std::array<int, kRegisterCount> kContextIndex = {
    REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8,
    REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};

static_assert(kPreservedRegisters == 0x1f0c8, "the constant in otprof_capture_registers");
static_assert(offsetof(Registers, valid) == 136, "the offset in otprof_capture_registers");

}  // namespace

Registers registers_from_context(const ucontext_t& context) noexcept {
  Registers registers;
  for (unsigned reg = 0; reg < kRegisterCount; ++reg) {
    registers.value[reg] =
        static_cast<std::uint64_t>(context.uc_mcontext.gregs[kContextIndex[reg]]);
  }
  registers.valid = (1U << kRegisterCount) - 1;
  return registers;
}

// A function body of assembly alone: a compiled one would already have moved the stack pointer.
__asm__(
    ".pushsection .text.otprof_capture_registers,\"ax\",@progbits\n"
    ".globl otprof_capture_registers\n"
    ".hidden otprof_capture_registers\n"
    ".type otprof_capture_registers,@function\n"
    "otprof_capture_registers:\n"
    ".cfi_startproc\n"
    "  endbr64\n"
    "  movq (%rsp), %rax\n"
    "  leaq 8(%rsp), %rcx\n"
    "  movq %rbx, 24(%rdi)\n"
    "  movq %rbp, 48(%rdi)\n"
    "  movq %rcx, 56(%rdi)\n"
    "  movq %r12, 96(%rdi)\n"
    "  movq %r13, 104(%rdi)\n"
    "  movq %r14, 112(%rdi)\n"
    "  movq %r15, 120(%rdi)\n"
    "  movq %rax, 128(%rdi)\n"
    "  movl $0x1f0c8, 136(%rdi)\n"
    "  ret\n"
    ".cfi_endproc\n"
    ".size otprof_capture_registers, .-otprof_capture_registers\n"
    ".popsection\n");

}  // namespace otprof::unwind
