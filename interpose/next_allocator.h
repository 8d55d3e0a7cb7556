// SPDX-License-Identifier: Apache-2.0
//
// The allocation functions that the program would have called had this library not been there:
// glibc's, or those of whatever allocator the program brings along. For files of interpose/ only.
#pragma once

#include <cstddef>

namespace otprof::interpose {

struct NextAllocator {
  void* (*malloc)(std::size_t size);
  void (*free)(void* pointer);
  void* (*calloc)(std::size_t count, std::size_t size);
  void* (*realloc)(void* pointer, std::size_t size);
  void* (*memalign)(std::size_t alignment, std::size_t size);
  void* (*aligned_alloc)(std::size_t alignment, std::size_t size);
  int (*posix_memalign)(void** pointer, std::size_t alignment, std::size_t size);
  void* (*valloc)(std::size_t size);
  void* (*pvalloc)(std::size_t size);
  std::size_t (*malloc_usable_size)(void* pointer);
  // What the program itself reaches under these names: this library's own, or that of an allocator
  // preloaded before it. For functions that are made of these two and that such an allocator may
  // not have: its blocks must go back to it.
  void (*program_free)(void* pointer);
  void* (*program_realloc)(void* pointer, std::size_t size);
};

// Complete once find_next_allocator() has returned true on this thread or on one it synchronises
// with; a thread that has an AllocationThread may therefore use it without asking.
[[gnu::visibility("hidden")]] extern NextAllocator next_allocator;

// False while it cannot be known: before this library is relocated, and within the look-up itself
// on the same thread. Whoever is told false is served by bootstrap_allocate().
// Several threads may look at once; they find the same.
bool find_next_allocator() noexcept;

}  // namespace otprof::interpose
