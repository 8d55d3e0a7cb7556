// SPDX-License-Identifier: Apache-2.0
//
// What the interposed allocation functions and the heap profiler share: the per-thread countdown that
// decides on the fast path whether anything has to be done at all, the set of pages in which a freed
// block may matter, and the hooks for the rare case that something has.
//
// Without hooks, or on a thread without an AllocationThread, every call takes the slow path, which
// passes straight through.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace otprof::interpose {

// The allocation state of one thread. The thread itself writes it, with plain stores; the background
// thread reads it (std::atomic_ref, relaxed). Two cache lines of its own.
//
// The offsets of `bytes_left` and `frees` are chosen for calls that arrive before this library has
// been relocated (an IFUNC resolver of another library that calls malloc): the thread-local pointer
// below then reads as the address of glibc's thread control block, whose words at 0x38 and 0x40 have
// held the getcpu cache of old vdsos and are 0 since. A countdown of 0 leads to the slow path.
struct alignas(128) AllocationThread {
  std::uint64_t version = 0;      // odd while the owner changes bytes_limit and bytes_left together
  std::uint64_t bytes_limit = 0;  // bytes allocated so far = bytes_limit - bytes_left
  std::uint64_t interval = 0;     // mean of the countdown's distribution when it was drawn
  std::uint64_t random = 0;       // state of the thread's own random sequence
  std::uint64_t next = 0;         // in the list of unused ones
  std::uint64_t stack = 0;        // where it lies, as the sampler packs it; 0: not known
  std::uint64_t allocations = 0;  // calls that succeeded
  std::uint64_t bytes_left = 0;   // the allocation that brings this to 0 or below is sampled
  std::uint64_t frees = 0;        // calls that freed something
};
static_assert(offsetof(AllocationThread, bytes_left) == 0x38);
static_assert(offsetof(AllocationThread, frees) == 0x40);

// Null: none yet (or no more, or never, see thread_mode).
[[gnu::visibility("hidden")]] extern constinit thread_local AllocationThread* own_allocations;

// A set of pages, as counters by the page number that the low 32 bits of an address hold: zero means
// that no block on the page is of interest to free(). Page granularity keeps the part of the array
// that a program touches small: a cache line of it stands for 128 KiB of heap. 16 bits cannot
// overflow: LiveTable holds fewer blocks.
inline constexpr unsigned kPageBits = 12;
inline constexpr std::size_t kPageNumbers = std::size_t{1} << (32U - kPageBits);
[[gnu::visibility("hidden")]] extern std::uint16_t watched_pages[kPageNumbers];

inline std::uint32_t page_number(const void* pointer) noexcept {
  return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(pointer)) >> kPageBits;
}

inline bool may_be_watched(const void* pointer) noexcept {
  return watched_pages[page_number(pointer)] != 0;
}
inline void watch(const void* pointer) noexcept {
  std::atomic_ref<std::uint16_t>(watched_pages[page_number(pointer)])
      .fetch_add(1, std::memory_order_relaxed);
}
inline void unwatch(const void* pointer) noexcept {
  std::atomic_ref<std::uint16_t>(watched_pages[page_number(pointer)])
      .fetch_sub(1, std::memory_order_relaxed);
}

// All of them keep errno, take no lock, never wait and allocate nothing from the host.
struct AllocationHooks {
  // `size` bytes were allocated at `pointer` (not null), and the countdown has run out with it, or
  // the thread has none. Counts the call.
  void (*allocated)(void* pointer, std::size_t size) noexcept = nullptr;
  // `pointer` (not null) is about to be freed; its page is watched, or the thread has no countdown.
  // Counts the call.
  void (*freeing)(void* pointer) noexcept = nullptr;
  // realloc: what moving() returns for the old block (null: of no interest) is given to moved()
  // after the call; `is_gone`: the old block is no longer allocated under its old identity. Counts
  // the call as one that freed if so.
  void* (*moving)(void* pointer) noexcept = nullptr;
  void (*moved)(void* token, bool is_gone) noexcept = nullptr;
};

// Once, before the second thread. The functions must stay valid for ever.
void set_allocation_hooks(const AllocationHooks& hooks) noexcept;

// While true, threads without an AllocationThread pass allocations straight through: for a process
// that is not profiled, or not at the moment. Frees of watched pages are told all the same.
void pass_through(bool is_on) noexcept;

// True when a call of malloc by the program reaches this library's definition. False when the
// executable, or a library preloaded before this one, has a definition of its own. While there is one
// thread and it has no AllocationThread. To be asked before allocator_code(), which would make the bundled
// allocator ready for nobody.
bool owns_malloc() noexcept;

// The same of operator new. False with an allocator that has one of its own, which does not call
// malloc (jemalloc, tcmalloc, mimalloc). True when the program has none so far.
bool owns_operator_new() noexcept;

// A function of the allocator that the program's blocks come from. The memory that its module maps is
// what those blocks are made of. Null: not known.
const void* allocator_code() noexcept;

// What has come of the wish for the bundled allocator (OTPROF_ALLOCATOR).
enum class Bundled {
  kNotAsked,
  kServes,
  kOtherAllocator,  // not used: what the program would reach is not the C library's malloc
  kNoMemory,        // not used
  kTooEarly,        // not used: the first allocation came before all modules were relocated
};
// Known after the first allocation of the process, and after allocator_code().
Bundled bundled_allocator() noexcept;

struct BundledMemory {         // bytes
  std::int64_t allocated = 0;  // in blocks, with what those are rounded up to
  std::int64_t resident =
      0;  // that may be resident: blocks, what is kept for later, and its own tables
};
// False when it does not serve. Takes locks of the allocator, each for a moment.
bool read_bundled_memory(BundledMemory& memory) noexcept;

}  // namespace otprof::interpose
