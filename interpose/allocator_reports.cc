// SPDX-License-Identifier: Apache-2.0
//
// What programs ask glibc's malloc about its memory, and to give back: answered for the bundled allocator while that
// serves; else, as if we were not there, by what is next. (mallopt, malloc_stats and malloc_info set and
// print what is glibc's alone. They are left to it.)
#include <malloc.h>

#include <cstddef>
#include <cstdint>

#include "interpose/allocation_hooks.h"
#include "interpose/bundled_allocator.h"
#include "interpose/next.h"

namespace otprof::interpose {
namespace {

// With glibc's meanings as far as there is something alike; what `Number` cannot hold wraps, as there.
template <typename Info, typename Number>
Info describe_bundled() noexcept {
  BundledMemory memory;
  Info info{};
  if (read_bundled_memory(memory)) {
    info.arena = static_cast<Number>(memory.resident);
    info.uordblks = static_cast<Number>(memory.allocated);
    info.fordblks = static_cast<Number>(memory.resident - memory.allocated);
  }
  return info;
}

template <typename Info>
Info ask_next(const char* name) noexcept {
  const auto real = next<Info (*)()>(name);
  return real == nullptr ? Info{} : real();
}

bool is_bundled() noexcept { return bundled_allocator() == Bundled::kServes; }

}  // namespace
}  // namespace otprof::interpose

#define OTPROF_EXPORT extern "C" [[gnu::visibility("default")]]

OTPROF_EXPORT int malloc_trim(std::size_t pad) noexcept {
  using otprof::interpose::next;
  const auto real = next<int (*)(std::size_t)>("malloc_trim");
  const int has_trimmed = real == nullptr ? 0 : real(pad);
  return otprof::interpose::is_bundled() ? static_cast<int>(otprof::interpose::purge_bundled())
                                         : has_trimmed;
}

OTPROF_EXPORT struct mallinfo mallinfo() noexcept {
  using Info = struct mallinfo;
  return otprof::interpose::is_bundled() ? otprof::interpose::describe_bundled<Info, int>()
                                         : otprof::interpose::ask_next<Info>("mallinfo");
}

#if __GLIBC_PREREQ(2, 33)
OTPROF_EXPORT struct mallinfo2 mallinfo2() noexcept {
  using Info = struct mallinfo2;
  return otprof::interpose::is_bundled() ? otprof::interpose::describe_bundled<Info, std::size_t>()
                                         : otprof::interpose::ask_next<Info>("mallinfo2");
}
#endif
