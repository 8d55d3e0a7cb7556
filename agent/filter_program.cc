// SPDX-License-Identifier: Apache-2.0
#include "agent/filter_program.h"

#include <linux/audit.h>
#include <linux/bpf_common.h>
#include <linux/seccomp.h>

#include <array>
#include <cstddef>
#include <cstring>

#include "agent/unwind/readable.h"

namespace otprof::agent {
namespace {

constexpr std::uint32_t kRefused = SECCOMP_RET_KILL_PROCESS;
constexpr std::uint64_t kPage = 4096;

struct Machine {
  std::uint32_t accumulator = 0;
  std::uint32_t index = 0;
  std::array<std::uint32_t, BPF_MEMWORDS> memory{};

  std::uint32_t operand(const sock_filter& step) const noexcept {
    return BPF_SRC(step.code) == BPF_X ? index : step.k;
  }
};

bool calculate(Machine& machine, const sock_filter& step) noexcept {
  const std::uint32_t by = machine.operand(step);
  std::uint32_t& a = machine.accumulator;
  switch (BPF_OP(step.code)) {
    case BPF_ADD: a += by; return true;
    case BPF_SUB: a -= by; return true;
    case BPF_MUL: a *= by; return true;
    case BPF_AND: a &= by; return true;
    case BPF_OR: a |= by; return true;
    case BPF_XOR: a ^= by; return true;
    case BPF_LSH: a = by < 32 ? a << by : 0; return true;
    case BPF_RSH: a = by < 32 ? a >> by : 0; return true;
    case BPF_NEG: a = 0 - a; return true;
    case BPF_DIV:
      if (by == 0) {
        return false;
      }
      a /= by;
      return true;
    default: return false;
  }
}

// How many steps to leave out.
std::uint32_t jump(const Machine& machine, const sock_filter& step) noexcept {
  const std::uint32_t with = machine.operand(step);
  const std::uint32_t a = machine.accumulator;
  bool holds = false;
  switch (BPF_OP(step.code)) {
    case BPF_JA: return step.k;
    case BPF_JEQ: holds = a == with; break;
    case BPF_JGT: holds = a > with; break;
    case BPF_JGE: holds = a >= with; break;
    case BPF_JSET: holds = (a & with) != 0; break;
    default: break;
  }
  return holds ? step.jt : step.jf;
}

bool load(std::uint32_t& to, const Machine& machine, const sock_filter& step,
          const seccomp_data& call) noexcept {
  switch (BPF_MODE(step.code)) {
    case BPF_IMM: to = step.k; return true;
    case BPF_LEN: to = sizeof call; return true;
    case BPF_MEM:
      if (step.k >= machine.memory.size()) {
        return false;
      }
      to = machine.memory[step.k];
      return true;
    case BPF_ABS:
      if (step.k % sizeof to != 0 || step.k > sizeof call - sizeof to) {
        return false;
      }
      std::memcpy(&to, reinterpret_cast<const char*>(&call) + step.k, sizeof to);
      return true;
    default: return false;
  }
}

}  // namespace

std::uint32_t filter_verdict(std::span<const sock_filter> program, long number) noexcept {
  seccomp_data call{};
  call.nr = static_cast<int>(number);
  call.arch = AUDIT_ARCH_X86_64;
  Machine machine;
  // It comes to an end: jumps lead forward only.
  for (std::size_t at = 0; at < program.size(); ++at) {
    const sock_filter& step = program[at];
    bool is_valid = true;
    switch (BPF_CLASS(step.code)) {
      case BPF_LD: is_valid = load(machine.accumulator, machine, step, call); break;
      case BPF_LDX: is_valid = load(machine.index, machine, step, call); break;
      case BPF_ALU: is_valid = calculate(machine, step); break;
      case BPF_JMP: at += jump(machine, step); break;
      case BPF_RET: return BPF_RVAL(step.code) == BPF_A ? machine.accumulator : step.k;
      case BPF_MISC:
        if (BPF_MISCOP(step.code) == BPF_TAX) {
          machine.index = machine.accumulator;
        } else {
          machine.accumulator = machine.index;
        }
        break;
      default:  // BPF_ST, BPF_STX
        is_valid = step.k < machine.memory.size();
        if (is_valid) {
          machine.memory[step.k] =
              BPF_CLASS(step.code) == BPF_ST ? machine.accumulator : machine.index;
        }
        break;
    }
    if (!is_valid) {
      return kRefused;
    }
  }
  return kRefused;
}

bool lets_through(std::span<const sock_filter> program, long number) noexcept {
  const std::uint32_t action = filter_verdict(program, number) & SECCOMP_RET_ACTION_FULL;
  return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG;
}

std::span<const sock_filter> readable_filter(const sock_fprog* filter) noexcept {
  const auto is_readable = [](const void* begin, std::size_t size) {
    constexpr std::size_t kLooksAt = 8;  // of each page the first, and the last of all
    const auto address = reinterpret_cast<std::uint64_t>(begin);
    const std::uint64_t last = address + size - kLooksAt;
    for (std::uint64_t at = address; at < last; at = (at / kPage + 1) * kPage) {
      if (!unwind::is_readable(at)) {
        return false;
      }
    }
    return unwind::is_readable(last);
  };
  if (!is_readable(filter, sizeof *filter) || filter->len == 0 ||
      !is_readable(filter->filter, filter->len * sizeof(sock_filter))) {
    return {};
  }
  return {filter->filter, filter->len};
}

}  // namespace otprof::agent
