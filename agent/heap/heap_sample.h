// SPDX-License-Identifier: Apache-2.0
//
// One sampled allocation as it travels through the heap's ring. Written by a malloc hook, read by the
// background thread. In the ring it is followed by its frames, leaf first, one word each.
#pragma once

#include <cstdint>
#include <cstring>

#include "agent/sample.h"

namespace otprof::heap {

// Where the block comes from.
enum class BlockKind : std::uint64_t {
  kAllocated = 0,  // malloc and its kin
  kMapped = 1,     // mmap, mremap
};

struct HeapSample {
  agent::Sample common;  // weight is 1: what it stands for follows from size and interval
  std::uint64_t id = 0;  // never given twice in a process; 0: not followed to its free
  std::uint64_t address = 0;
  std::uint64_t size = 0;      // bytes the program asked for
  std::uint64_t interval = 0;  // mean bytes between samples when it was taken
  BlockKind kind = BlockKind::kAllocated;
};

inline constexpr std::uint32_t kHeapSampleWords = sizeof(HeapSample) / sizeof(std::uint64_t);
static_assert(sizeof(HeapSample) % sizeof(std::uint64_t) == 0);

inline HeapSample heap_sample_of(const std::uint64_t* record) noexcept {
  HeapSample sample;
  std::memcpy(static_cast<void*>(&sample), record, sizeof sample);
  return sample;
}

}  // namespace otprof::heap
