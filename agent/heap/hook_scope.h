// SPDX-License-Identifier: Apache-2.0
//
// What the hooks of the heap sampler share: those of the allocation functions (heap_sampler.cc) and
// those of mmap and its kin (mapping_sampler.cc). For these two files only.
#pragma once

#include <errno.h>

#include <cstddef>
#include <cstdint>

#include "agent/heap/heap_sample.h"
#include "agent/heap/heap_sampler.h"

namespace otprof::heap {

// What the hooks do on this thread.
enum ThreadMode : std::uint32_t {
  kOrdinary = 0,
  kIgnored = 1,  // the agent's own
  kEnding = 2,   // its AllocationThread is given back; what it still does is counted with the crowd
  kInHook = 4,   // a hook is running; calls it causes are passed through
  kMapping = 8,  // mmap or its kin is being called, perhaps by way of another library that does so
};
[[gnu::visibility("hidden")]] extern constinit thread_local std::uint32_t thread_mode;

// Around everything a hook does. False: this thread's call is none of its business.
class HookScope {
 public:
  HookScope() noexcept : mode_(thread_mode), saved_errno_(errno) {
    may_run_ = (mode_ & (kIgnored | kInHook)) == 0;
    if (may_run_) {
      thread_mode = mode_ | kInHook;
    } else if ((mode_ & kInHook) != 0) {
      heap_state().nested.fetch_add(1, std::memory_order_relaxed);
    }
  }
  ~HookScope() {
    if (may_run_) {
      thread_mode &= ~static_cast<std::uint32_t>(kInHook);
    }
    errno = saved_errno_;
  }
  HookScope(const HookScope&) = delete;
  HookScope& operator=(const HookScope&) = delete;
  explicit operator bool() const noexcept { return may_run_; }

 private:
  std::uint32_t mode_;
  int saved_errno_;
  bool may_run_ = false;
};

// True for code of this library. Frames in it are not the program's.
bool is_own_code(std::uint64_t address) noexcept;

struct SampledBlock {
  const void* pointer = nullptr;
  std::size_t size = 0;
  std::uint64_t interval = 0;  // at which it was chosen
  BlockKind kind = BlockKind::kAllocated;
  std::uint64_t birth = 0;  // of a mapped block
};

// Within a HookScope. True when the block is in the table of its kind from now on.
bool take_sample(const SampledBlock& block) noexcept;

}  // namespace otprof::heap
