// SPDX-License-Identifier: Apache-2.0
//
// mmap, mmap64, munmap and mremap, as the program calls them. (What libc maps for itself, the arenas of
// malloc and the stacks of threads, does not come by here.) Each passes its arguments on unchanged and
// returns the result and errno unchanged; the hooks, if any, hear of calls that succeeded.
//
// May be called from anywhere: before this library is relocated, within an allocator's locks, in
// signal handlers, in a child of vfork. Calls made here: the next definitions, __errno_location, the
// hooks, and dlsym in the constructor.
// With it, libc's headers would give the name mmap to mmap64.
#undef _FILE_OFFSET_BITS

#include "interpose/mappings.h"
#include "interpose/alternate_stacks.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>

#include <atomic>
#include <cstdarg>

#include "interpose/mapping_hooks.h"
#include "interpose/next.h"
#include "interpose/raw_calls.h"

namespace otprof::interpose {
namespace {

using MmapFunction = void* (*)(void*, std::size_t, int, int, int, off_t);
using MunmapFunction = int (*)(void*, std::size_t);
using MremapFunction = void* (*)(void*, std::size_t, std::size_t, int, ...);

// Null until the constructor has looked them up; by then the calls are made right here.
constinit std::atomic<MmapFunction> next_mmap{nullptr};
constinit std::atomic<MunmapFunction> next_munmap{nullptr};
constinit std::atomic<MremapFunction> next_mremap{nullptr};
constinit std::atomic<const MappingHooks*> current_hooks{nullptr};

template <typename T>
long argument(T* pointer) noexcept {
  return reinterpret_cast<long>(pointer);
}

inline void* call_mmap(void* address, std::size_t length, int protection, int flags, int file,
                       off_t offset) noexcept {
  const MmapFunction next = next_mmap.load(std::memory_order_relaxed);
  return next != nullptr ? next(address, length, protection, flags, file, offset)
                         : reinterpret_cast<void*>(otprof_make_syscall(
                               SYS_mmap, argument(address), static_cast<long>(length),
                               long{protection}, long{flags}, long{file}, offset));
}

inline int call_munmap(void* address, std::size_t length) noexcept {
  if (has_alternate_stacks.load(std::memory_order_relaxed)) {
    leave_alternate_stack(address, length);
  }
  const MunmapFunction next = next_munmap.load(std::memory_order_relaxed);
  return next != nullptr ? next(address, length)
                         : static_cast<int>(otprof_make_syscall(SYS_munmap, argument(address),
                                                                static_cast<long>(length)));
}

inline void* call_mremap(void* old, std::size_t old_length, std::size_t length, int flags,
                         void* wanted) noexcept {
  const MremapFunction next = next_mremap.load(std::memory_order_relaxed);
  return next != nullptr ? next(old, old_length, length, flags, wanted)
                         : reinterpret_cast<void*>(otprof_make_syscall(
                               SYS_mremap, argument(old), static_cast<long>(old_length),
                               static_cast<long>(length), long{flags}, argument(wanted)));
}

[[gnu::constructor]] void look_up_mappings() {
  next_mmap.store(next<MmapFunction>("mmap"), std::memory_order_relaxed);
  next_munmap.store(next<MunmapFunction>("munmap"), std::memory_order_relaxed);
  next_mremap.store(next<MremapFunction>("mremap"), std::memory_order_relaxed);
}

}  // namespace

void set_mapping_hooks(const MappingHooks& hooks) noexcept {
  current_hooks.store(&hooks, std::memory_order_release);
}

const MappingHooks* mapping_hooks() noexcept {
  return current_hooks.load(std::memory_order_acquire);
}

}  // namespace otprof::interpose

#define OTPROF_EXPORT extern "C" [[gnu::visibility("default")]]
#define OTPROF_TOLD [[gnu::noinline]]

namespace {

using otprof::interpose::call_mmap;
using otprof::interpose::call_mremap;
using otprof::interpose::call_munmap;

// Apart, so that without hooks nothing is done but to go on.
OTPROF_TOLD void* tell_mmap(const void* caller, void* address, std::size_t length, int protection,
                            int flags, int file, off_t offset) noexcept {
  return otprof::interpose::tell_of_map(caller, length, protection, flags, [=] {
    return call_mmap(address, length, protection, flags, file, offset);
  });
}

OTPROF_TOLD int tell_munmap(const void* caller, void* address, std::size_t length) noexcept {
  return otprof::interpose::tell_of_unmap(caller, address, length,
                                          [=] { return call_munmap(address, length); });
}

OTPROF_TOLD void* tell_mremap(const void* caller, void* old, std::size_t old_length,
                              std::size_t length, int flags, void* wanted) noexcept {
  return otprof::interpose::tell_of_remap(caller, old, old_length, length, flags, [=] {
    return call_mremap(old, old_length, length, flags, wanted);
  });
}

bool is_told() noexcept { return otprof::interpose::mapping_hooks() != nullptr; }

}  // namespace

OTPROF_EXPORT void* mmap(void* address, std::size_t length, int protection, int flags, int file,
                         off_t offset) noexcept {
  return is_told() ? tell_mmap(__builtin_return_address(0), address, length, protection, flags,
                               file, offset)
                   : call_mmap(address, length, protection, flags, file, offset);
}

extern "C" [[gnu::visibility("default"), gnu::alias("mmap")]] void* mmap64(void* address,
                                                                           std::size_t length,
                                                                           int protection,
                                                                           int flags, int file,
                                                                           off64_t offset) noexcept;

OTPROF_EXPORT int munmap(void* address, std::size_t length) noexcept {
  return is_told() ? tell_munmap(__builtin_return_address(0), address, length)
                   : call_munmap(address, length);
}

OTPROF_EXPORT void* mremap(void* old, std::size_t old_length, std::size_t length, int flags,
                           ...) noexcept {
  void* wanted = nullptr;
  if ((flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) != 0) {
    std::va_list arguments;
    va_start(arguments, flags);
    wanted = va_arg(arguments, void*);
    va_end(arguments);
  }
  return is_told()
             ? tell_mremap(__builtin_return_address(0), old, old_length, length, flags, wanted)
             : call_mremap(old, old_length, length, flags, wanted);
}
