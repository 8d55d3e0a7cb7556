// SPDX-License-Identifier: Apache-2.0
//
// The two accounts that the kernel keeps of a thread's CPU time. Any thread; a system call for each.
#pragma once

#include <sys/types.h>
#include <time.h>

#include <cstdint>

#include "agent/raw_syscall.h"

namespace otprof::cpu {

struct ThreadClocks {
  std::uint64_t precise_ns = 0;  // by the scheduler
  std::uint64_t tick_ns = 0;  // in whole ticks, user and kernel time, in the thread the tick finds
};

// A thread's CPU clock as the kernel numbers it (include/linux/posix-timers.h): ~tid above three
// bits, of which 4 means one thread, and the rest which account.
enum class ThreadClock : int { kTicks = 0, kUserTicks = 1, kPrecise = 2 };
inline clockid_t clock_of(pid_t tid, ThreadClock which) noexcept {
  constexpr int kOneThread = 4;
  return static_cast<clockid_t>(~static_cast<unsigned>(tid) << 3U |
                                static_cast<unsigned>(kOneThread | static_cast<int>(which)));
}

// In ns; 0 when there is no such thread any more.
inline std::uint64_t read_clock(pid_t tid, ThreadClock which) noexcept {
  timespec now{};
  agent::raw_syscall(SYS_clock_gettime, clock_of(tid, which), agent::syscall_argument(&now));
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(now.tv_nsec);
}

// Both; zeros when there is no such thread any more.
inline ThreadClocks clocks_of(pid_t tid) noexcept {
  return {.precise_ns = read_clock(tid, ThreadClock::kPrecise),
          .tick_ns = read_clock(tid, ThreadClock::kTicks)};
}

}  // namespace otprof::cpu
