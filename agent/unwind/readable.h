// SPDX-License-Identifier: Apache-2.0
//
// Whether memory can be read, without touching it.
// Usable from a signal handler and a malloc hook; makes one system call, of some 0.1 us.
#pragma once

#include <errno.h>

#include <cstdint>

#include "agent/raw_syscall.h"

namespace otprof::unwind {

// Of the 8 bytes at `address`. rt_sigprocmask reads the new mask before it looks at what to do with it;
// there is no such thing to do as ~0, so nothing is changed.
inline bool is_readable(std::uint64_t address) noexcept {
  constexpr long kNothingToDo = ~0L;
  constexpr long kMaskBytes = 8;
  return agent::raw_syscall(SYS_rt_sigprocmask, kNothingToDo, static_cast<long>(address), 0,
                            kMaskBytes) == -EINVAL;
}

}  // namespace otprof::unwind
