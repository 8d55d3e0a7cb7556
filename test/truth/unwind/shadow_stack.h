// SPDX-License-Identifier: Apache-2.0
//
// The true call stack of one thread, kept by watching every instruction that it executes: a call
// pushes, and whatever moves the stack pointer above a return address pops it. It knows nothing of
// unwind tables, so it can tell which of two unwinders is right.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace otprof::test {

class ShadowStack {
 public:
  // Nothing else here allocates: the thread may be stopped within malloc.
  ShadowStack();

  // `frames`: the callers of the code where watching begins, innermost first, in walk_cfi()'s form.
  // They stay for ever.
  void start(std::span<const std::uint64_t> frames);

  // The thread executed the instruction at `pc`, which took its stack pointer from `sp` to `next_sp`.
  void step(std::uint64_t pc, std::uint64_t sp, std::uint64_t next_sp);

  // The kernel interrupted the thread at (pc, sp) and runs a handler, whose first instruction has the
  // stack pointer `handler_sp`, of the same stack or another. From another it comes back by returning.
  void enter_signal_handler(std::uint64_t pc, std::uint64_t sp, std::uint64_t handler_sp);

  // The whole stack in walk_cfi()'s form for a thread that is at `pc`.
  void frames(std::uint64_t pc, std::vector<std::uint64_t>& out) const;

 private:
  struct Entry {
    std::uint64_t slot;        // address of the return address; the entry dies when sp passes it
    std::uint64_t frame;       // address in walk_cfi()'s form
    bool in_register = false;  // popped by an instruction that is not a return (vfork)
  };
  std::vector<Entry> entries_;  // outermost first
  // Of a handler on another stack: how many entries lie below it, and where they resume. 0: none.
  std::size_t other_stack_from_ = 0;
  std::uint64_t interrupted_sp_ = 0;
};

}  // namespace otprof::test
