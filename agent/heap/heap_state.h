// SPDX-License-Identifier: Apache-2.0
//
// Everything the malloc hooks of all threads share, in one mapping that the kernel wipes in a forked
// child (MADV_WIPEONFORK). So a child, whatever its parent's threads were doing at the fork, finds a
// profiler that is off and an empty live table, until its own agent starts it again; and no random
// sequence is continued on both sides. All zero bytes are a valid state: off.
//
// Never unmapped: a hook may be in it until the process ends.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "agent/heap/live_table.h"
#include "agent/heap/mapped_blocks.h"
#include "interpose/allocation_hooks.h"

namespace otprof::heap {

using interpose::AllocationThread;

// More threads at once than this share `crowd`.
inline constexpr std::uint32_t kMostThreads = 1U << 15U;

struct HeapState {
  // Bytes allocated, calls that allocated and calls that freed, where no AllocationThread counts:
  // on threads that are ending, and beyond kMostThreads at once.
  struct Crowd {
    std::atomic<std::uint64_t> bytes;
    std::atomic<std::uint64_t> allocations;
    std::atomic<std::uint64_t> frees;
    std::atomic<std::uint64_t> random;
  };

  std::atomic<bool> is_on;
  std::atomic<bool> follow_frees;
  std::atomic<std::uint64_t> interval;  // of countdowns drawn from now on
  std::atomic<std::uint64_t> min_size;
  std::atomic<std::uint64_t> seed;
  std::atomic<std::uint64_t> threads_seeded;
  std::atomic<std::uint64_t> samples;       // taken; the last one's number
  std::atomic<std::uint64_t> lost_in_ring;  // sampled, but the ring was full
  std::atomic<std::uint64_t>
      lost_in_ring_bytes;                    // their estimated bytes are size / p; this is size
  std::atomic<std::uint64_t> outside_trace;  // left out, as OTPROF_SAMPLING=trace wants
  std::atomic<std::uint64_t> not_followed;   // sampled, but the live table was full
  std::atomic<std::uint64_t> nested;         // calls made from within a hook; not counted
  Crowd crowd;

  // Free list of `threads`: low half the position + 1 of its first, high half a count of changes.
  std::atomic<std::uint64_t> unused_threads;
  std::atomic<std::uint32_t> used_threads;  // positions below have been given out at least once

  // Of what the program maps itself: bytes and calls since the start, and the interval at which the
  // blocks are sampled from now on.
  struct Mapped {
    std::atomic<std::uint64_t> bytes;
    std::atomic<std::uint64_t> calls;
    std::atomic<std::uint64_t> interval;
    std::atomic<std::uint64_t> random;
    std::atomic<std::uint64_t>
        unknown_growth;  // mremap calls that made a block larger of which it is
                         // not known whether it is memory
  };
  Mapped mapped;
  MappedBlocks mapped_blocks;

  LiveTable live;
  AllocationThread threads[kMostThreads];

  // Null when the kernel has no memory.
  static HeapState* create() noexcept;

  // Malloc hook. Null when all are taken.
  AllocationThread* take_thread() noexcept;
  // The thread counts no more; its counters stay in the totals.
  void give_back(AllocationThread* thread) noexcept;

  // The stacks of the threads that have allocated and go on, as far as they are known. Any thread.
  std::vector<std::pair<std::uintptr_t, std::uintptr_t>> stacks() const;

  // Exact, as of some moment during the call, since start. Any thread.
  struct Totals {
    std::uint64_t allocated_bytes = 0;
    std::uint64_t allocations = 0;
    std::uint64_t frees = 0;
  };
  Totals totals() const noexcept;
};

// The owner's side of AllocationThread::stack.
void note_stack(AllocationThread& own, std::uintptr_t low, std::uintptr_t high) noexcept;

// The owner's side of AllocationThread::bytes_limit and bytes_left.
void draw_next(AllocationThread& own, std::uint64_t beyond, std::uint64_t interval) noexcept;

}  // namespace otprof::heap
