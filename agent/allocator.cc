// SPDX-License-Identifier: Apache-2.0
//
// All memory of the agent comes from its own jemalloc, which shares nothing with the host's
// allocator: no lock, no arena, no recursion into hooks. The linker sends every call that code of
// this library makes to malloc and its kin here (--wrap), and operator new and delete are ours.
// What libc allocates for itself on the agent's thread (getaddrinfo, opendir) stays the host's.
//
// Running out of memory here must not end the host: with no exceptions there is no way back up, so
// the background thread stops where it is, for good, and the host goes on unprofiled.
#include <cstddef>
#include <cstring>
#include <new>

#include "agent/cpu/sampler.h"
#include "agent/log.h"
#include "agent/raw_syscall.h"

extern "C" {
void* otprof_je_malloc(std::size_t size);
void* otprof_je_calloc(std::size_t count, std::size_t size);
void* otprof_je_realloc(void* pointer, std::size_t size);
void otprof_je_free(void* pointer);
int otprof_je_posix_memalign(void** pointer, std::size_t alignment, std::size_t size);
void* otprof_je_aligned_alloc(std::size_t alignment, std::size_t size);

// NOLINTBEGIN(bugprone-reserved-identifier): the names --wrap prescribes
void* __wrap_malloc(std::size_t size) { return otprof_je_malloc(size); }
void* __wrap_calloc(std::size_t count, std::size_t size) { return otprof_je_calloc(count, size); }
void* __wrap_realloc(void* pointer, std::size_t size) { return otprof_je_realloc(pointer, size); }
void __wrap_free(void* pointer) { otprof_je_free(pointer); }
int __wrap_posix_memalign(void** pointer, std::size_t alignment, std::size_t size) {
  return otprof_je_posix_memalign(pointer, alignment, size);
}
void* __wrap_aligned_alloc(std::size_t alignment, std::size_t size) {
  return otprof_je_aligned_alloc(alignment, size);
}
// OpenSSL calls it; the C library's would return memory of the host's allocator.
char* __wrap_strdup(const char* text) {
  const std::size_t size = std::strlen(text) + 1;
  void* const copy = otprof_je_malloc(size);
  return copy == nullptr ? nullptr : static_cast<char*>(std::memcpy(copy, text, size));
}
// NOLINTEND(bugprone-reserved-identifier)
}

namespace {

[[noreturn]] void park_this_thread() {
  otprof::cpu::accept_samples(false);
  otprof::agent::log_out_of_memory();
  for (;;) {
    otprof::agent::raw_syscall(SYS_pause);
  }
}

void* allocate(std::size_t size, std::size_t alignment) {
  void* pointer =
      alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__
          ? otprof_je_malloc(size)
          : otprof_je_aligned_alloc(alignment, (size + alignment - 1) & ~(alignment - 1));
  if (pointer == nullptr) {
    park_this_thread();
  }
  return pointer;
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size, 1); }
void* operator new[](std::size_t size) { return allocate(size, 1); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return otprof_je_malloc(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return otprof_je_malloc(size);
}
void operator delete(void* pointer) noexcept { otprof_je_free(pointer); }
void operator delete[](void* pointer) noexcept { otprof_je_free(pointer); }
void operator delete(void* pointer, std::size_t) noexcept { otprof_je_free(pointer); }
void operator delete[](void* pointer, std::size_t) noexcept { otprof_je_free(pointer); }
void operator delete(void* pointer, std::align_val_t) noexcept { otprof_je_free(pointer); }
void operator delete[](void* pointer, std::align_val_t) noexcept { otprof_je_free(pointer); }
void operator delete(void* pointer, std::size_t, std::align_val_t) noexcept {
  otprof_je_free(pointer);
}
void operator delete[](void* pointer, std::size_t, std::align_val_t) noexcept {
  otprof_je_free(pointer);
}
