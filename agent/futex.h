// SPDX-License-Identifier: Apache-2.0
//
// Waiting for, and announcing, a change of a 32-bit word shared by threads of this process
// (futex(2), private). No libc lock, so usable in a process at any stage of its life.
#pragma once

#include <linux/futex.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "agent/raw_syscall.h"

namespace otprof::agent {

// Returns when *word is no longer `expected`, when woken, or after `limit`; also for no reason.
inline void futex_wait(const void* word, std::uint32_t expected,
                       std::chrono::nanoseconds limit) noexcept {
  limit = std::max(limit, std::chrono::nanoseconds::zero());
  const timespec timeout{.tv_sec = static_cast<time_t>(limit.count() / 1'000'000'000),
                         .tv_nsec = static_cast<long>(limit.count() % 1'000'000'000)};
  raw_syscall(SYS_futex, syscall_argument(word), FUTEX_WAIT_PRIVATE, expected,
              syscall_argument(&timeout));
}

inline void futex_wake_all(const void* word) noexcept {
  raw_syscall(SYS_futex, syscall_argument(word), FUTEX_WAKE_PRIVATE, INT32_MAX);
}

}  // namespace otprof::agent
