// SPDX-License-Identifier: Apache-2.0
//
// Malloc hook side, all but create(), totals() and stacks(). Calls allowed there: none.
#include "agent/heap/heap_state.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

#include "agent/heap/sampling.h"

namespace otprof::heap {
namespace {

constexpr std::uint64_t kPositionMask = 0xffffffff;
constexpr std::uint64_t kOneChange = kPositionMask + 1;

std::uint64_t read(const std::uint64_t& word) noexcept {
  return std::atomic_ref<const std::uint64_t>(word).load(std::memory_order_relaxed);
}

}  // namespace

HeapState* HeapState::create() noexcept {
  void* memory = mmap(nullptr, sizeof(HeapState), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    return nullptr;
  }
  // Where this is not to be had (Linux before 4.14), a child goes on with what it inherited until it
  // is told to start anew: its samples end in its own copy of the ring.
  madvise(memory, sizeof(HeapState), MADV_WIPEONFORK);
  return static_cast<HeapState*>(memory);
}

AllocationThread* HeapState::take_thread() noexcept {
  std::uint64_t list = unused_threads.load(std::memory_order_acquire);
  while ((list & kPositionMask) != 0) {
    AllocationThread& first = threads[(list & kPositionMask) - 1];
    const std::uint64_t after = read(first.next);
    if (unused_threads.compare_exchange_weak(list, (list & ~kPositionMask) + kOneChange + after,
                                             std::memory_order_acquire)) {
      return &first;
    }
  }
  if (used_threads.load(std::memory_order_relaxed) >= kMostThreads) {
    return nullptr;
  }
  const std::uint32_t position = used_threads.fetch_add(1, std::memory_order_relaxed);
  if (position >= kMostThreads) {
    used_threads.fetch_sub(1, std::memory_order_relaxed);
    return nullptr;
  }
  return &threads[position];
}

void HeapState::give_back(AllocationThread* thread) noexcept {
  const auto position = static_cast<std::uint64_t>(thread - threads) + 1;
  std::uint64_t list = unused_threads.load(std::memory_order_relaxed);
  do {
    std::atomic_ref<std::uint64_t>(thread->next)
        .store(list & kPositionMask, std::memory_order_relaxed);
  } while (!unused_threads.compare_exchange_weak(
      list, (list & ~kPositionMask) + kOneChange + position, std::memory_order_release));
}

HeapState::Totals HeapState::totals() const noexcept {
  Totals totals{.allocated_bytes = crowd.bytes.load(std::memory_order_relaxed),
                .allocations = crowd.allocations.load(std::memory_order_relaxed),
                .frees = crowd.frees.load(std::memory_order_relaxed)};
  const std::uint32_t used = std::min(used_threads.load(std::memory_order_acquire), kMostThreads);
  for (std::uint32_t i = 0; i < used; ++i) {
    const AllocationThread& thread = threads[i];
    // A thread that is stopped between the two changes must not stop this one: after some attempts
    // the count may be off by one countdown.
    std::uint64_t bytes = 0;
    for (int attempt = 0; attempt < 100; ++attempt) {
      const std::atomic_ref<const std::uint64_t> version(thread.version);
      const std::uint64_t before = version.load(std::memory_order_acquire);
      bytes = read(thread.bytes_limit) - read(thread.bytes_left);
      std::atomic_thread_fence(std::memory_order_acquire);
      if (before % 2 == 0 && version.load(std::memory_order_relaxed) == before) {
        break;
      }
    }
    totals.allocated_bytes += bytes;
    totals.allocations += read(thread.allocations);
    totals.frees += read(thread.frees);
  }
  return totals;
}

// Pages in one word: 29 bits count them, 35 are the number of the first.
constexpr unsigned kStackPageBits = 12;
constexpr unsigned kStackCountBits = 29;

void note_stack(AllocationThread& own, std::uintptr_t low, std::uintptr_t high) noexcept {
  const std::uint64_t first = low >> kStackPageBits;
  const std::uint64_t pages = ((high - 1) >> kStackPageBits) + 1 - first;
  std::atomic_ref<std::uint64_t>(own.stack).store(
      high <= low || pages >> kStackCountBits != 0 ? 0 : first << kStackCountBits | pages,
      std::memory_order_relaxed);
}

std::vector<std::pair<std::uintptr_t, std::uintptr_t>> HeapState::stacks() const {
  std::vector<std::pair<std::uintptr_t, std::uintptr_t>> found;
  const std::uint32_t used = std::min(used_threads.load(std::memory_order_acquire), kMostThreads);
  for (std::uint32_t i = 0; i < used; ++i) {
    const std::uint64_t word = read(threads[i].stack);
    if (word != 0) {
      const std::uint64_t first = word >> kStackCountBits;
      const std::uint64_t pages = word & ((std::uint64_t{1} << kStackCountBits) - 1);
      found.emplace_back(first << kStackPageBits, (first + pages) << kStackPageBits);
    }
  }
  return found;
}

void draw_next(AllocationThread& own, std::uint64_t beyond, std::uint64_t interval) noexcept {
  const std::uint64_t drawn = draw_countdown(own.random, interval);
  const std::atomic_ref<std::uint64_t> version(own.version);
  version.store(own.version + 1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  own.bytes_limit = own.bytes_limit - own.bytes_left + beyond + drawn;
  own.bytes_left = drawn;
  own.interval = interval;
  version.store(own.version + 1, std::memory_order_release);
}

}  // namespace otprof::heap
