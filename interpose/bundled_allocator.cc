// SPDX-License-Identifier: Apache-2.0
#include "interpose/bundled_allocator.h"

#include <dlfcn.h>
#include <errno.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

#include "interpose/allocation_hooks.h"
#include "interpose/next.h"
#include "interpose/process_choice.h"
#include "interpose/split_stack.h"
#include "interpose/stand_down.h"

extern "C" {
void* otprof_host_malloc(std::size_t size);
void otprof_host_free(void* pointer);
void* otprof_host_calloc(std::size_t count, std::size_t size);
void* otprof_host_realloc(void* pointer, std::size_t size);
void* otprof_host_aligned_alloc(std::size_t alignment, std::size_t size);
std::size_t otprof_host_malloc_usable_size(void* pointer);
int otprof_host_mallctl(const char* name, void* old, std::size_t* old_size, void* wanted,
                        std::size_t wanted_size);
// Those that jemalloc-host.patch adds. The first is true for a thread that has gone through its destructors, or
// that there is no memory to keep a state for: for it only the others do, and malloc and free.
bool otprof_host_je_lacks_thread_state();
bool otprof_host_je_is_own_block(const void* pointer);
void* otprof_host_je_malloc_without_state(std::size_t size);
void otprof_host_je_free_without_state(void* pointer);

// What jemalloc-host.patch asks for.
[[gnu::visibility("hidden")]] std::ptrdiff_t otprof_host_slot_offset = 0;
[[gnu::visibility("hidden")]] void otprof_host_free_elsewhere(void* pointer);
}

namespace otprof::interpose {
namespace {

constinit Bundled outcome = Bundled::kNotAsked;
constinit bool is_left_out = false;
constinit NextAllocator system_allocator{};
// Of this thread, for jemalloc.
constinit thread_local void* bundled_thread_state = nullptr;

constexpr bool is_power_of_two(std::size_t number) noexcept {
  return number != 0 && (number & (number - 1)) == 0;
}

void* bundled_calloc(std::size_t count, std::size_t size) noexcept {
  if (!otprof_host_je_lacks_thread_state()) {
    return otprof_host_calloc(count, size);
  }
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  void* const block = otprof_host_je_malloc_without_state(bytes);
  return block == nullptr ? nullptr : std::memset(block, 0, bytes);
}

// On a thread that lacks its state.
void* move_block(void* pointer, std::size_t size) noexcept {
  void* copy = nullptr;
  if (size != 0) {
    copy = otprof_host_je_malloc_without_state(size);
    if (copy == nullptr) {
      return nullptr;
    }
    const std::size_t old_size = otprof_host_malloc_usable_size(pointer);
    std::memcpy(copy, pointer, old_size < size ? old_size : size);
  }
  otprof_host_je_free_without_state(pointer);
  return copy;
}

void* bundled_realloc(void* pointer, std::size_t size) noexcept {
  if (pointer == nullptr) {
    return otprof_host_malloc(size);
  }
  if (!otprof_host_je_is_own_block(pointer)) {
    return system_allocator.realloc(pointer, size);
  }
  return otprof_host_je_lacks_thread_state() ? move_block(pointer, size)
                                             : otprof_host_realloc(pointer, size);
}

void* allocate_aligned(std::size_t alignment, std::size_t size) noexcept {
  return otprof_host_je_lacks_thread_state() ? system_allocator.memalign(alignment, size)
                                             : otprof_host_aligned_alloc(alignment, size);
}

void* bundled_memalign(std::size_t alignment, std::size_t size) noexcept {
  return is_power_of_two(alignment) ? allocate_aligned(alignment, size)
                                    : system_allocator.memalign(alignment, size);
}

void* bundled_aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  return is_power_of_two(alignment) ? allocate_aligned(alignment, size)
                                    : system_allocator.aligned_alloc(alignment, size);
}

int bundled_posix_memalign(void** pointer, std::size_t alignment, std::size_t size) noexcept {
  if (!is_power_of_two(alignment) || alignment % sizeof(void*) != 0) {
    return system_allocator.posix_memalign(pointer, alignment, size);
  }
  void* const block = allocate_aligned(alignment, size);
  if (block == nullptr) {
    return ENOMEM;
  }
  *pointer = block;
  return 0;
}

void* bundled_valloc(std::size_t size) noexcept {
  return allocate_aligned(static_cast<std::size_t>(getpagesize()), size);
}

void* bundled_pvalloc(std::size_t size) noexcept {
  const auto page = static_cast<std::size_t>(getpagesize());
  std::size_t rounded = 0;
  if (__builtin_add_overflow(size, page - 1, &rounded)) {
    errno = ENOMEM;
    return nullptr;
  }
  return allocate_aligned(page, rounded & ~(page - 1));
}

std::size_t bundled_usable_size(void* pointer) noexcept {
  return otprof_host_je_is_own_block(pointer) ? otprof_host_malloc_usable_size(pointer)
                                              : system_allocator.malloc_usable_size(pointer);
}

const void* start_of_module(const void* address) noexcept {
  Dl_info module{};
  return address != nullptr && dladdr(address, &module) != 0 ? module.dli_fbase : nullptr;
}

bool is_of_libc(const void* address) noexcept {
  const void* const libc = start_of_module(next<const void*>("gnu_get_libc_version"));
  return libc != nullptr && start_of_module(address) == libc;
}

Bundled try_bundled(const NextAllocator& table) noexcept {
  const char* const* const environment = start_environment();
  if (!variable_is(environment, "OTPROF_ALLOCATOR", "jemalloc") ||
      reason_to_stand_down(start_arguments(), environment) != nullptr) {
    return Bundled::kNotAsked;
  }
  if (is_left_out || !is_of_libc(reinterpret_cast<const void*>(table.malloc))) {
    return Bundled::kOtherAllocator;
  }
  // The constructor will know, and then it would be too late to stand down.
  if (find_split_stacks() == SplitStacks::kNotKnown) {
    return Bundled::kTooEarly;
  }
  // gcc before 11 has no function for it here.
  char* thread_pointer = nullptr;
  __asm__("mov %%fs:0, %0" : "=r"(thread_pointer));
  otprof_host_slot_offset = reinterpret_cast<char*>(&bundled_thread_state) - thread_pointer;
  // It makes itself ready with its first block.
  void* const first = otprof_host_malloc(1);
  otprof_host_free(first);
  return first == nullptr ? Bundled::kNoMemory : Bundled::kServes;
}

bool read_statistic(const char* name, std::int64_t& value) noexcept {
  std::size_t bytes = 0;
  std::size_t size = sizeof bytes;
  const bool is_read = otprof_host_mallctl(name, &bytes, &size, nullptr, 0) == 0;
  value = static_cast<std::int64_t>(bytes);
  return is_read;
}

}  // namespace

void choose_allocator(NextAllocator& table) noexcept {
  system_allocator = table;
  outcome = try_bundled(table);
  if (outcome != Bundled::kServes) {
    return;
  }
  table.malloc = otprof_host_malloc;
  table.free = otprof_host_free;
  table.calloc = bundled_calloc;
  table.realloc = bundled_realloc;
  table.memalign = bundled_memalign;
  table.aligned_alloc = bundled_aligned_alloc;
  table.posix_memalign = bundled_posix_memalign;
  table.valloc = bundled_valloc;
  table.pvalloc = bundled_pvalloc;
  table.malloc_usable_size = bundled_usable_size;
}

void leave_bundled_out() noexcept { is_left_out = true; }

Bundled bundled_allocator() noexcept { return outcome; }

bool purge_bundled() noexcept {
  // Of all arenas. What this thread keeps for itself comes first.
  return !otprof_host_je_lacks_thread_state() &&
         otprof_host_mallctl("thread.tcache.flush", nullptr, nullptr, nullptr, 0) == 0 &&
         otprof_host_mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0) == 0;
}

bool read_bundled_memory(BundledMemory& memory) noexcept {
  std::uint64_t epoch = 1;  // any: the statistics are brought up to date
  return outcome == Bundled::kServes && !otprof_host_je_lacks_thread_state() &&
         otprof_host_mallctl("epoch", nullptr, nullptr, &epoch, sizeof epoch) == 0 &&
         read_statistic("stats.allocated", memory.allocated) &&
         read_statistic("stats.resident", memory.resident);
}

}  // namespace otprof::interpose

void otprof_host_free_elsewhere(void* pointer) {
  otprof::interpose::system_allocator.free(pointer);
}
