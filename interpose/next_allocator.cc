// SPDX-License-Identifier: Apache-2.0
#include "interpose/next_allocator.h"

#include <errno.h>

#include <atomic>

#include "interpose/allocation_hooks.h"
#include "interpose/bundled_allocator.h"
#include "interpose/next.h"

namespace otprof::interpose {
namespace {

constinit std::atomic<bool> is_known{false};
// Whoever comes by meanwhile, from within the look-up or on another thread, goes away with what there is.
constinit std::atomic<bool> is_looking{false};

// Null until the loader has relocated this library. Volatile: the compiler knows its final value.
void* const volatile kRelocationWitness = &next_allocator;

template <typename Function>
void look_up(Function*& function, const char* name) noexcept {
  function = next<Function*>(name);
}

}  // namespace

constinit NextAllocator next_allocator{};

bool find_next_allocator() noexcept {
  if (is_known.load(std::memory_order_acquire)) {
    return true;
  }
  if (kRelocationWitness == nullptr || is_looking.exchange(true, std::memory_order_acquire)) {
    return is_known.load(std::memory_order_acquire);
  }
  const int saved_errno = errno;
  look_up(next_allocator.malloc, "malloc");
  look_up(next_allocator.free, "free");
  look_up(next_allocator.calloc, "calloc");
  look_up(next_allocator.realloc, "realloc");
  look_up(next_allocator.memalign, "memalign");
  look_up(next_allocator.aligned_alloc, "aligned_alloc");
  look_up(next_allocator.posix_memalign, "posix_memalign");
  look_up(next_allocator.valloc, "valloc");
  look_up(next_allocator.pvalloc, "pvalloc");
  look_up(next_allocator.malloc_usable_size, "malloc_usable_size");
  next_allocator.program_free = reinterpret_cast<void (*)(void*)>(dlsym(RTLD_DEFAULT, "free"));
  next_allocator.program_realloc =
      reinterpret_cast<void* (*)(void*, std::size_t)>(dlsym(RTLD_DEFAULT, "realloc"));
  choose_allocator(next_allocator);
  errno = saved_errno;
  watch(nullptr);  // free(NULL) takes the slow path, so that the fast one has no test for it
  is_known.store(true, std::memory_order_release);
  return true;
}

const void* allocator_code() noexcept {
  return find_next_allocator() ? reinterpret_cast<const void*>(next_allocator.malloc) : nullptr;
}

}  // namespace otprof::interpose
