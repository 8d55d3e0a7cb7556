// SPDX-License-Identifier: Apache-2.0
#include "test/truth/unwind/shadow_stack.h"

namespace otprof::test {
namespace {

constexpr std::uint64_t kNeverPopped = UINT64_MAX;
constexpr std::uint64_t kLongestInstruction = 15;

std::uint64_t load(std::uint64_t address) {
  return *reinterpret_cast<const std::uint64_t*>(address);
}

// The first opcode byte of the instruction at `pc`, behind its prefixes.
const std::uint8_t* opcode(std::uint64_t pc) {
  const auto* byte = reinterpret_cast<const std::uint8_t*>(pc);
  while (*byte == 0xf2 || *byte == 0x3e || *byte == 0x66 || *byte == 0x67 ||
         (*byte >= 0x40 && *byte <= 0x4f)) {
    ++byte;
  }
  return byte;
}

bool is_call(std::uint64_t pc) {
  const std::uint8_t* code = opcode(pc);
  return code[0] == 0xe8 || (code[0] == 0xff && (code[1] >> 3 & 7) == 2);
}

// Into rdi: how vfork keeps its return address from the child. (libgcc pops one into another register
// to drop it.)
bool pops_to_keep(std::uint64_t pc) { return *opcode(pc) == 0x5f; }

}  // namespace

ShadowStack::ShadowStack() { entries_.reserve(4096); }

void ShadowStack::start(std::span<const std::uint64_t> frames) {
  entries_.clear();
  for (auto frame = frames.rbegin(); frame != frames.rend(); ++frame) {
    entries_.push_back({kNeverPopped, *frame});
  }
}

void ShadowStack::step(std::uint64_t pc, std::uint64_t sp, std::uint64_t next_sp) {
  if (other_stack_from_ != 0 && next_sp == interrupted_sp_) {
    entries_.resize(other_stack_from_);
    other_stack_from_ = 0;
  }
  // Addresses of one stack say nothing of entries on another.
  while (entries_.size() > other_stack_from_ && entries_.back().slot < next_sp) {
    Entry& innermost = entries_.back();
    // A return address that was popped into a register, to be pushed again, is still the caller's.
    const bool just_below = innermost.slot + 8 == next_sp;
    if (just_below && next_sp == sp + 8 && pops_to_keep(pc)) innermost.in_register = true;
    if (just_below && innermost.in_register) break;
    entries_.pop_back();
  }
  if (!entries_.empty() && entries_.back().slot >= next_sp) entries_.back().in_register = false;
  if (next_sp != sp - 8 || !is_call(pc)) return;
  const std::uint64_t return_address = load(next_sp);
  if (return_address - pc > kLongestInstruction) return;
  entries_.push_back({next_sp, return_address - 1});
}

void ShadowStack::enter_signal_handler(std::uint64_t pc, std::uint64_t sp,
                                       std::uint64_t handler_sp) {
  constexpr std::uint64_t kKernelFrame = 8192;
  if (handler_sp > sp || sp - handler_sp > kKernelFrame) {
    other_stack_from_ = entries_.size();
    interrupted_sp_ = sp;
  }
  // What was interrupted resumes at `sp`; the kernel's frame and the red zone are below that.
  entries_.push_back({sp - 8, pc});
  entries_.push_back({handler_sp, load(handler_sp)});
}

void ShadowStack::frames(std::uint64_t pc, std::vector<std::uint64_t>& out) const {
  out.clear();
  out.push_back(pc);
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
    out.push_back(entry->frame);
  }
}

}  // namespace otprof::test
