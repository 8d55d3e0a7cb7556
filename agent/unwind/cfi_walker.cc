// SPDX-License-Identifier: Apache-2.0
// Runs in signal handlers and malloc hooks. Calls: _dl_find_object (module.cc), and on stacks that are not
// the thread's own raw_syscall (probed_stack.cc).
//
// The walk by unwind tables. Each frame takes the first of these ways that applies: the cached rule of
// its pc; the module's tables; a guess where there are none. Guesses into addresses that no module
// holds are kept only if the chain leads back into a module's code.
#include <algorithm>

#include "agent/unwind/cfi_lookup.h"
#include "agent/unwind/cfi_step.h"
#include "agent/unwind/frame.h"
#include "agent/unwind/frame_pointer_step.h"
#include "agent/unwind/probed_stack.h"
#include "agent/unwind/rule_cache.h"
#include "agent/unwind/stack_memory.h"
#include "agent/unwind/untold_pushes.h"
#include "agent/unwind/unwinder.h"

namespace otprof::unwind {
namespace {

constinit RuleCache rule_cache;

// The start code of ld.so and of programs without a C library has no tables, and was not called by
// anybody: it is what the ELF entry point begins, up to this size.
constexpr std::uint64_t kEntryCodeSize = 128;

// How often the kernel may have switched stacks within one stack: once for each handler that was
// interrupted by another.
constexpr unsigned kMostSwitches = 8;

bool is_entry_code(const Module& module, std::uint64_t pc) noexcept {
  const std::uintptr_t entry = program_headers(module).entry;
  if (entry == 0 || pc - entry >= kEntryCodeSize) return false;
  RowResult ignored;
  return find_row(entry, ignored) == RowLookup::kNoTable;
}

class CfiWalker {
 public:
  CfiWalker(const Registers& start, StackBounds bounds, std::uint64_t* frames,
            std::uint32_t capacity) noexcept
      : own_(bounds),
        stack_(0, 0),
        frames_(frames),
        capacity_(capacity),
        generation_(rule_cache.generation()) {
    frame_.registers = start;
    frame_.lookup_pc = start[kRip];
  }

  Walk run() noexcept {
    frames_[depth_++] = frame_.lookup_pc;
    enter_stack();
    for (;;) {
      if (stack_.high() == 0) return finish(StackEnd::kForeignStack);
      if (const StepEnd end = step_slowly()) {
        if (*end != StackEnd::kRoot && see_more_of_stack()) continue;
        return finish(*end);
      }
      if (is_null()) return finish(StackEnd::kNullPc);
      if (depth_ == capacity_) return {depth_, StackEnd::kDepthLimit};
      frames_[depth_++] = frame_.lookup_pc;
      step_ordinary_frames();
      if (is_null()) return finish(StackEnd::kNullPc);
    }
  }

 private:
  // The stack that the frame is on becomes the one that may be read: the thread's own, or another as
  // far as it is needed; none if it cannot be read. Nothing below the stack pointer but the red zone is
  // read: it may not even be mapped.
  void enter_stack() noexcept {
    const std::uint64_t sp = frame_.registers[kRsp];
    is_own_ = sp >= own_.low && sp < own_.high;
    bounds_ = is_own_ ? own_ : switches_++ < kMostSwitches ? probed_.start(sp) : StackBounds{};
    stack_ = StackMemory(std::max(bounds_.low, sp > kRedZone ? sp - kRedZone : 0), bounds_.high);
  }

  // A step that failed may succeed with more of the stack in sight.
  bool see_more_of_stack() noexcept {
    if (is_own_ || !probed_.grow(bounds_)) return false;
    stack_ = StackMemory(stack_.low(), bounds_.high);
    return true;
  }

  // An interrupted instruction may well be at 0, called by mistake; nothing returns there.
  bool is_null() const noexcept {
    return frame_.registers[kRip] < kFirstPage && !frame_.interrupted;
  }

  // Goes on as long as the cache has the rules and they are of the common kind.
  void step_ordinary_frames() noexcept {
    if (!can_step_fast(frame_)) return;
    std::uint32_t depth = depth_;
    while (depth < capacity_ &&
           step_fast(rule_cache.find(frame_.lookup_pc, generation_), frame_, stack_) &&
           frame_.registers[kRip] >= kFirstPage) {
      frames_[depth++] = frame_.lookup_pc;
    }
    depth_ = depth;
  }

  Walk finish(StackEnd end) const noexcept {
    return {unconfirmed_from_ != 0 ? unconfirmed_from_ : depth_, end};
  }

  [[gnu::noinline]] StepEnd step_slowly() noexcept;
  [[gnu::noinline]] StepEnd step_by_tables() noexcept;
  StepEnd apply(PackedRule rule) noexcept;
  StepEnd step_by_guess(const Module* module) noexcept;
  [[gnu::noinline]] bool returns_to_function_start() const noexcept;

  const StackBounds own_;  // the thread's
  StackBounds bounds_;     // of the stack that the frame is on
  StackMemory stack_;      // what of that may be read
  ProbedStack probed_;
  bool is_own_ = true;
  unsigned switches_ = 0;
  std::uint64_t* const frames_;
  const std::uint32_t capacity_;
  const std::uint64_t generation_;
  std::uint32_t depth_ = 0;
  // The depth at which a run of guesses began that no module has confirmed yet; 0: none.
  std::uint32_t unconfirmed_from_ = 0;
  Frame frame_;
};

StepEnd CfiWalker::step_slowly() noexcept {
  const PackedRule rule = rule_cache.find(frame_.lookup_pc, generation_);
  if (rule.kind() != kEmptyRule) return apply(rule);
  return step_by_tables();
}

StepEnd CfiWalker::apply(PackedRule rule) noexcept {
  // Where nothing has been called yet, the tables may be less than the truth.
  if (frame_.interrupted && rule == kEntryRule && step_over_untold_pushes(frame_, stack_)) {
    return std::nullopt;
  }
  return step_by_rule(rule, frame_, stack_);
}

StepEnd CfiWalker::step_by_tables() noexcept {
  RowResult found;
  switch (find_row(frame_.lookup_pc, found)) {
    case RowLookup::kNoModule: return step_by_guess(nullptr);
    case RowLookup::kNoTable:
      return returns_to_function_start() ? StackEnd::kRoot : step_by_guess(&found.module);
    case RowLookup::kMalformed: return StackEnd::kBadUnwindInfo;
    case RowLookup::kFound: break;
  }
  if (const auto rule = pack_rule(found.row, found.section, found.signal_frame)) {
    rule_cache.insert(frame_.lookup_pc, generation_, *rule);
    return apply(*rule);
  }
  if (!found.signal_frame) {
    return step_by_row(found.row, found.section, false, frame_, stack_);
  }
  frames_[depth_ - 1] = frame_.registers[kRip];
  const StackMemory whole(bounds_.low, bounds_.high);
  if (const StepEnd end = step_by_row(found.row, found.section, true, frame_, whole)) return end;
  // The kernel may have switched stacks: below lies whatever was interrupted.
  enter_stack();
  return std::nullopt;
}

// Whoever makes a stack may put the address of a function there for its first frame to return to, as
// makecontext does. No call returns to where a function begins, unless the function before it ends in
// that call: then a table covers the byte before.
bool CfiWalker::returns_to_function_start() const noexcept {
  RowResult function;
  return !frame_.interrupted && find_row(frame_.registers[kRip], function) == RowLookup::kFound;
}

StepEnd CfiWalker::step_by_guess(const Module* module) noexcept {
  switch (step_without_tables(frame_, stack_)) {
    case Guess::kConfirmed: unconfirmed_from_ = 0; return std::nullopt;
    case Guess::kUnconfirmed:
      if (unconfirmed_from_ == 0) unconfirmed_from_ = depth_;
      return std::nullopt;
    case Guess::kNone: break;
  }
  if (module == nullptr) return StackEnd::kNoModule;
  return is_entry_code(*module, frame_.lookup_pc) ? StackEnd::kRoot : StackEnd::kNoUnwindInfo;
}

}  // namespace

Walk walk_cfi(const Registers& start, StackBounds bounds, std::uint64_t* frames,
              std::uint32_t capacity) noexcept {
  return CfiWalker(start, bounds, frames, capacity).run();
}

void forget_cached_rules() noexcept { rule_cache.forget(); }

}  // namespace otprof::unwind
