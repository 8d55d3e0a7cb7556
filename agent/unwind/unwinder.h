// SPDX-License-Identifier: Apache-2.0
//
// Turns registers into a stack of addresses. Three ways behind one signature: cfi (the default: our
// own .eh_frame stepper with a rule cache), fp (frame pointers only), libunwind (second opinion; see
// libunwind_walker.h, which promises less).
//
// Promises of cfi and fp: callable from a signal handler at any instruction of any code, and from a
// malloc hook; no lock, no allocation, no libc call but _dl_find_object; less than 1 KiB of stack, less
// than 2 KiB when an address is met for the first time; reads only inside `bounds` (the thread's own
// stack), inside read-only unwind tables and code of loaded modules, and inside other stacks that code
// runs on after asking the kernel (probed_stack.h; only there are system calls made); always terminates
// (depth limit, and every step must move towards the stack's base).
#pragma once

#include <cstddef>
#include <cstdint>

#include "agent/unwind/registers.h"

namespace otprof::unwind {

// Why a walk ended. Exported with every window by these names, so each early end is accounted for.
enum class StackEnd : std::uint8_t {
  kRoot,           // complete: the thread's start function, marked by an undefined return address
  kDepthLimit,     // OTPROF_MAX_STACK_DEPTH frames were taken, more follow
  kForeignStack,   // the stack pointer is outside the thread's own stack, and not readable memory
  kNoModule,       // the address is in no loaded module and frame pointers did not help
  kNoUnwindInfo,   // the module says nothing about this address and frame pointers did not help
  kBadUnwindInfo,  // unwind tables malformed or using an operation that is not supported
  kBadFrame,       // a computed frame address left the stack, was misaligned or did not advance
  kLostRegister,   // the frame's address depends on a register that a callee may have overwritten
  kNullPc,  // a return address of 0 (or in the first page): a thread start that is not marked
  kCount,
};
const char* stack_end_name(StackEnd end) noexcept;

// Low inclusive, high exclusive; the part of the stack that may be read. {}: not known.
struct StackBounds {
  std::uintptr_t low = 0;
  std::uintptr_t high = 0;
};

struct Walk {
  std::uint32_t depth = 0;
  StackEnd end = StackEnd::kRoot;
};

using Walker = Walk (*)(const Registers& start, StackBounds bounds, std::uint64_t* frames,
                        std::uint32_t capacity) noexcept;

// frames[0] is the interrupted address itself; every further one lies inside the call instruction
// (return address - 1), except a signal frame (the kernel returns to it, nothing called it) and the
// frame below it, which was interrupted too: those are exact.
// `capacity` 1..1024. Never writes past it.
Walk walk_cfi(const Registers& start, StackBounds bounds, std::uint64_t* frames,
              std::uint32_t capacity) noexcept;
Walk walk_frame_pointers(const Registers& start, StackBounds bounds, std::uint64_t* frames,
                         std::uint32_t capacity) noexcept;

// The rules cached for addresses of an unloaded module must not serve the module that takes its
// place: whoever sees a dlclose (loader hook, module refresh) calls this. Any thread.
void forget_cached_rules() noexcept;

}  // namespace otprof::unwind
