// SPDX-License-Identifier: Apache-2.0
//
// What the interposed mmap, munmap and mremap share with the heap profiler, which looks at the memory
// that the program maps itself when OTPROF_HEAP_MMAP asks for it. Without hooks these functions pass
// straight through: two loads and a jump in front of a system call.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>

// Linux 5.7: libc's headers may be older than the kernel.
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

namespace otprof::interpose {

// What is known of a call before the kernel does what it asks for.
struct MappingCall {
  const void* caller = nullptr;  // where it returns to
  std::uint64_t moment = 0;      // mappings made later are not meant by the call
  bool is_known = false;         // mremap: the old block is one that counts as memory
  bool is_inner = false;         // made by another library on behalf of such a call
};

// All of them keep errno, take no lock, never wait and allocate nothing from the host. They are called
// on any thread, in signal handlers too. Each begin() is followed by one of the others on the same
// thread, whether or not the call has succeeded.
struct MappingHooks {
  // Before the call; `old`: what mremap is about to change, null for the others.
  void (*begin)(MappingCall& call, const void* old) noexcept = nullptr;
  // `result`, here and below: MAP_FAILED or where the block is.
  void (*mapped)(const MappingCall& call, void* result, std::size_t length, int protection,
                 int flags) noexcept = nullptr;
  void (*unmapped)(const MappingCall& call, bool is_done, void* address,
                   std::size_t length) noexcept = nullptr;
  void (*remapped)(const MappingCall& call, void* old, std::size_t old_length, void* result,
                   std::size_t length, int flags) noexcept = nullptr;
};

// Once, before the second thread. `hooks` must stay valid for ever.
void set_mapping_hooks(const MappingHooks& hooks) noexcept;

}  // namespace otprof::interpose
