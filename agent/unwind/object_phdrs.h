// SPDX-License-Identifier: Apache-2.0
//
// dl_iterate_phdr without the loader's lock, for libunwind alone.
//
// libunwind finds the module of an address by dl_iterate_phdr, which holds the dynamic linker's lock
// while it runs. In a signal handler that deadlocks: the interrupted code, or a thread that waits for
// us, may hold the lock. So everything that is linked together with this file has its calls of
// dl_iterate_phdr bound to the one in object_phdrs.cc (by the linker's --wrap=dl_iterate_phdr, which
// unwind_dep brings along). As long as a PhdrQuery lives, that one reports on this thread only
// the module of the query's address, which _dl_find_object gives without a lock; otherwise it is the C
// library's.
#pragma once

#include <cstdint>

namespace otprof::unwind {

// Usable from a signal handler and a malloc hook; nests.
class PhdrQuery {
 public:
  explicit PhdrQuery(std::uintptr_t address) noexcept;
  ~PhdrQuery();
  PhdrQuery(const PhdrQuery&) = delete;
  PhdrQuery& operator=(const PhdrQuery&) = delete;

 private:
  std::uintptr_t outer_;
};

}  // namespace otprof::unwind
