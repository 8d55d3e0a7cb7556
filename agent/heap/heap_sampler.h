// SPDX-License-Identifier: Apache-2.0
//
// Takes heap samples: the hooks that the interposed allocation functions call when a thread's
// countdown has run out or a block that is being followed goes away.
//
// Promises to the program: no hook takes a lock, waits, makes a blocking system call or changes
// errno, and none calls the program's allocator. (One exception: a thread's first allocation stores a
// pthread_specific value, for which glibc allocates when the program uses more than 32 keys.)
#pragma once

#include <cstdint>

#include "agent/heap/heap_state.h"
#include "agent/sample_meter.h"
#include "agent/sample_ring.h"
#include "agent/unwind/unwinder.h"

namespace otprof::heap {

struct HeapSamplerConfig {
  agent::SampleRing* ring = nullptr;
  unwind::Walker walk = nullptr;
  std::uint32_t max_depth = 128;
  bool only_in_trace = false;          // other allocations are left out, and counted
  std::uint64_t interval = 512 << 10;  // mean bytes between samples, 1 .. 2^40
  std::uint64_t min_size = 0;          // smaller allocations are not sampled
  std::uint64_t slow_ns = 1'000'000;   // a sample that takes longer is counted as slow
  bool follow_frees = true;
  std::uint64_t seed = 0;  // of all random sequences; 0: from the kernel
};

// Puts the hooks in place, in a process with one thread (the library's constructor); they pass
// through until start_heap_sampler(). False when there is no memory.
bool prepare_heap_sampler() noexcept;

// Sampling begins; stack bounds must be known by now. Any one thread, after prepare.
void start_heap_sampler(const HeapSamplerConfig& config) noexcept;
// No sample is taken any more; blocks that are being followed still are. Any thread.
void stop_heap_sampler() noexcept;

// In a forked child, on its one thread, before start_heap_sampler().
void forget_parent() noexcept;

// This thread's allocations are not the program's: neither sampled nor counted. The agent's own
// thread, before it calls anything of libc that allocates.
void ignore_this_thread() noexcept;

// What taking samples has cost. Any thread.
agent::SampleMeter::Reading heap_sampling_cost() noexcept;

// After prepare. Counters, the live table, and the interval, which may be changed at any time.
HeapState& heap_state() noexcept;

}  // namespace otprof::heap
