// SPDX-License-Identifier: Apache-2.0
//
// The C allocation family. Each function passes its arguments to the next definition unchanged and
// returns its result and errno unchanged; beside that it counts, and tells the hooks when a countdown
// has run out or when a block that may be of interest goes away.
//
// May be called from anywhere: before the constructor, within dlsym, in IFUNC resolvers, in
// thread-local destructors, after main. Calls made here: the next allocator's functions, the hooks,
// dlsym (once), and no other.
//
// The fast paths of malloc and free are the price that every allocation of the program pays:
// test/truth/heap/fast_path.expected holds their instructions.
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "interpose/allocation_hooks.h"
#include "interpose/bootstrap_memory.h"
#include "interpose/bundled_allocator.h"
#include "interpose/next_allocator.h"

#define OTPROF_EXPORT extern "C" [[gnu::visibility("default")]]
#define OTPROF_SLOW [[gnu::noinline, gnu::cold]]

namespace otprof::interpose {

constinit thread_local AllocationThread* own_allocations = nullptr;
alignas(4096) constinit std::uint16_t watched_pages[kPageNumbers] = {};

namespace {

constinit AllocationHooks allocation_hooks;
// Set only when the next allocator is known.
constinit std::atomic<bool> passes_through{false};

inline bool is_passing_through() noexcept {
  return own_allocations == nullptr && passes_through.load(std::memory_order_relaxed);
}

// True when the countdown goes on, and the call has been counted.
inline bool count_allocation(std::size_t size) noexcept {
  AllocationThread* const own = own_allocations;
  if (own == nullptr) {
    return false;
  }
  const std::uint64_t left = own->bytes_left;
  if (left <= size) [[unlikely]] {
    return false;
  }
  own->bytes_left = left - size;
  ++own->allocations;
  return true;
}

OTPROF_SLOW void tell_allocated(void* pointer, std::size_t size) noexcept {
  if (allocation_hooks.allocated == nullptr) {
    pass_through(true);
  } else if (pointer != nullptr) {
    allocation_hooks.allocated(pointer, size);
  }
}

// After the real call, for the functions that are not called often enough to count beforehand.
inline void* counted(void* pointer, std::size_t size) noexcept {
  if ((pointer == nullptr || !count_allocation(size)) && !is_passing_through()) [[unlikely]] {
    tell_allocated(pointer, size);
  }
  return pointer;
}

OTPROF_SLOW void* malloc_slowly(std::size_t size) noexcept {
  if (!find_next_allocator()) {
    return bootstrap_allocate(size, 1);
  }
  void* const pointer = next_allocator.malloc(size);
  tell_allocated(pointer, size);
  return pointer;
}

OTPROF_SLOW void* calloc_slowly(std::size_t count, std::size_t size) noexcept {
  std::size_t bytes = 0;
  const bool overflows = __builtin_mul_overflow(count, size, &bytes);
  if (!find_next_allocator()) {
    return overflows ? nullptr : bootstrap_allocate(bytes, 1);
  }
  void* const pointer = next_allocator.calloc(count, size);
  tell_allocated(pointer, bytes);
  return pointer;
}

OTPROF_SLOW void free_slowly(void* pointer) noexcept {
  if (pointer == nullptr || is_bootstrap_block(pointer) || !find_next_allocator()) {
    return;
  }
  if (allocation_hooks.freeing != nullptr) {
    allocation_hooks.freeing(pointer);
  }
  next_allocator.free(pointer);
}

// `allocate` is called only once the next allocator is known.
template <typename Allocate>
inline void* allocate_aligned(std::size_t alignment, std::size_t size, Allocate allocate) noexcept {
  if (own_allocations == nullptr && !find_next_allocator()) [[unlikely]] {
    return bootstrap_allocate(size, alignment);
  }
  return counted(allocate(), size);
}

// A block that the real allocator knows nothing of moves into its memory.
OTPROF_SLOW void* realloc_bootstrap_block(void* pointer, std::size_t size) noexcept {
  const bool is_known = find_next_allocator();
  void* const copy = is_known ? next_allocator.malloc(size) : bootstrap_allocate(size, 1);
  if (copy != nullptr) {
    const std::size_t old_size = bootstrap_size(pointer);
    __builtin_memcpy(copy, pointer, old_size < size ? old_size : size);
    if (is_known) {
      tell_allocated(copy, size);
    }
  }
  return copy;
}

OTPROF_SLOW void* realloc_slowly(void* pointer, std::size_t size) noexcept {
  if (pointer != nullptr && is_bootstrap_block(pointer)) {
    return realloc_bootstrap_block(pointer, size);
  }
  if (!find_next_allocator()) {
    return pointer == nullptr ? bootstrap_allocate(size, 1) : nullptr;
  }
  const bool is_told = pointer != nullptr && allocation_hooks.moving != nullptr;
  void* const token = is_told ? allocation_hooks.moving(pointer) : nullptr;
  void* const result = next_allocator.realloc(pointer, size);
  if (is_told) {
    // Size 0 frees the block whether or not another, empty one is returned.
    allocation_hooks.moved(token, result != nullptr || size == 0);
  }
  return counted(result, size);
}

// realloc is a free and an allocation: the old block's sample, if it had one, ends, and the new one
// is sampled by its whole size, at the caller of realloc.
inline void* realloc_counted(void* pointer, std::size_t size) noexcept {
  AllocationThread* const own = own_allocations;
  if (may_be_watched(pointer)) [[unlikely]] {
    return realloc_slowly(pointer, size);
  }
  if (own == nullptr) {
    return is_passing_through() ? next_allocator.realloc(pointer, size)
                                : realloc_slowly(pointer, size);
  }
  void* const result = next_allocator.realloc(pointer, size);
  if (result != nullptr || size == 0) [[likely]] {
    ++own->frees;
    return counted(result, size);
  }
  return nullptr;
}

}  // namespace

void set_allocation_hooks(const AllocationHooks& hooks) noexcept {
  allocation_hooks = hooks;
  pass_through(false);
}

void pass_through(bool is_on) noexcept { passes_through.store(is_on); }

namespace {

// Whether allocate() comes by here.
template <typename Allocate>
bool is_told_of(Allocate allocate) noexcept {
  static bool is_reached;
  is_reached = false;
  const AllocationHooks saved = allocation_hooks;
  set_allocation_hooks({.allocated = [](void*, std::size_t) noexcept { is_reached = true; }});
  allocate();
  set_allocation_hooks(saved);
  return is_reached;
}

}  // namespace

// By calling it: an address would prove nothing, because a program that is not position independent
// may have made an entry of its own table the official address of malloc.
bool owns_malloc() noexcept {
  const auto program_malloc =
      reinterpret_cast<void* (*)(std::size_t)>(dlsym(RTLD_DEFAULT, "malloc"));
  const auto program_free = reinterpret_cast<void (*)(void*)>(dlsym(RTLD_DEFAULT, "free"));
  const bool is_reached = is_told_of([&] { program_free(program_malloc(1)); });
  if (!is_reached) {
    leave_bundled_out();
  }
  return is_reached;
}

bool owns_operator_new() noexcept {
  const auto program_new = reinterpret_cast<void* (*)(std::size_t)>(dlsym(RTLD_DEFAULT, "_Znwm"));
  const auto program_delete = reinterpret_cast<void (*)(void*)>(dlsym(RTLD_DEFAULT, "_ZdlPv"));
  return program_new == nullptr || program_delete == nullptr ||
         is_told_of([&] { program_delete(program_new(1)); });
}

}  // namespace otprof::interpose

namespace {
using otprof::interpose::allocate_aligned;
using otprof::interpose::next_allocator;
constexpr std::size_t kPage = std::size_t{1} << otprof::interpose::kPageBits;

void free_as_program(void* pointer) noexcept {
  if (otprof::interpose::find_next_allocator()) {
    next_allocator.program_free(pointer);
  }
}
}  // namespace

OTPROF_EXPORT void* malloc(std::size_t size) noexcept {
  if (otprof::interpose::count_allocation(size)) [[likely]] {
    return next_allocator.malloc(size);
  }
  if (otprof::interpose::is_passing_through()) {
    return next_allocator.malloc(size);
  }
  return otprof::interpose::malloc_slowly(size);
}

OTPROF_EXPORT void free(void* pointer) noexcept {
  if (!otprof::interpose::may_be_watched(pointer)) [[likely]] {
    otprof::interpose::AllocationThread* const own = otprof::interpose::own_allocations;
    if (own != nullptr) [[likely]] {
      ++own->frees;
      next_allocator.free(pointer);
      return;
    }
    if (otprof::interpose::is_passing_through()) {
      next_allocator.free(pointer);
      return;
    }
  }
  otprof::interpose::free_slowly(pointer);
}

OTPROF_EXPORT void* calloc(std::size_t count, std::size_t size) noexcept {
  std::size_t bytes = 0;
  if (!__builtin_mul_overflow(count, size, &bytes) && otprof::interpose::count_allocation(bytes))
      [[likely]] {
    return next_allocator.calloc(count, size);
  }
  if (otprof::interpose::is_passing_through()) {
    return next_allocator.calloc(count, size);
  }
  return otprof::interpose::calloc_slowly(count, size);
}

OTPROF_EXPORT void* realloc(void* pointer, std::size_t size) noexcept {
  return otprof::interpose::realloc_counted(pointer, size);
}

OTPROF_EXPORT void* reallocarray(void* pointer, std::size_t count, std::size_t size) noexcept {
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  if (!otprof::interpose::find_next_allocator()) {
    return otprof::interpose::realloc_counted(pointer, bytes);
  }
  return next_allocator.program_realloc(pointer, bytes);
}

OTPROF_EXPORT void* memalign(std::size_t alignment, std::size_t size) noexcept {
  return allocate_aligned(alignment, size,
                          [=] { return next_allocator.memalign(alignment, size); });
}

OTPROF_EXPORT void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  return allocate_aligned(alignment, size,
                          [=] { return next_allocator.aligned_alloc(alignment, size); });
}

OTPROF_EXPORT int posix_memalign(void** pointer, std::size_t alignment, std::size_t size) noexcept {
  int error = 0;
  void* const block = allocate_aligned(alignment, size, [&]() -> void* {
    error = next_allocator.posix_memalign(pointer, alignment, size);
    return error == 0 ? *pointer : nullptr;
  });
  if (block == nullptr) {
    return error;
  }
  *pointer = block;
  return 0;
}

OTPROF_EXPORT void* valloc(std::size_t size) noexcept {
  return allocate_aligned(kPage, size, [=] { return next_allocator.valloc(size); });
}

OTPROF_EXPORT void* pvalloc(std::size_t size) noexcept {
  return allocate_aligned(kPage, size, [=] { return next_allocator.pvalloc(size); });
}

OTPROF_EXPORT std::size_t malloc_usable_size(void* pointer) noexcept {
  // Some programs (sqlite3) ask for every block they have.
  if (!otprof::interpose::may_be_watched(pointer) && otprof::interpose::own_allocations != nullptr)
      [[likely]] {
    return next_allocator.malloc_usable_size(pointer);
  }
  if (pointer == nullptr) {
    return 0;
  }
  if (otprof::interpose::is_bootstrap_block(pointer)) {
    return otprof::interpose::bootstrap_size(pointer);
  }
  return otprof::interpose::find_next_allocator() ? next_allocator.malloc_usable_size(pointer) : 0;
}

// C23. Every allocator takes its own blocks back without being told their size.
OTPROF_EXPORT void free_sized(void* pointer, std::size_t /*size*/) noexcept {
  free_as_program(pointer);
}
OTPROF_EXPORT void free_aligned_sized(void* pointer, std::size_t /*alignment*/,
                                      std::size_t /*size*/) noexcept {
  free_as_program(pointer);
}

// Left glibc with 2.26; programs linked before that still call it.
OTPROF_EXPORT void cfree(void* pointer) noexcept { free_as_program(pointer); }
