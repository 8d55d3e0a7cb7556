// SPDX-License-Identifier: Apache-2.0
#include "agent/cpu/interrupt_cost.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>

#include "agent/cpu/perf_event.h"
#include "agent/cpu/sampler.h"
#include "agent/raw_syscall.h"

namespace otprof::cpu {
namespace {

constexpr std::uint64_t kUsual = 5'000;
constexpr std::uint64_t kPeriod = 100'000;
constexpr std::size_t kWanted = 31;
constexpr std::size_t kEnough = 11;
// Reading the clock again and again takes less than this each time, an interrupt more.
constexpr std::uint64_t kLeastGap = 500;

// The median length of the gaps in this thread's time; what else makes gaps is rare, or long.
std::uint64_t median_gap() {
  std::array<std::uint64_t, kWanted> gaps{};
  std::size_t count = 0;
  const std::uint64_t begin = monotonic_ns();
  std::uint64_t last = begin;
  while (count < kWanted && last - begin < 2 * kWanted * kPeriod) {
    const std::uint64_t now = monotonic_ns();
    if (now - last > kLeastGap) {
      gaps[count++] = now - last;
    }
    last = now;
  }
  std::nth_element(gaps.begin(), gaps.begin() + count / 2, gaps.begin() + count);
  return count < kEnough ? kUsual : gaps[count / 2];
}

std::uint64_t measure() {
  const auto own_tid = static_cast<pid_t>(agent::raw_syscall(SYS_gettid));
  const int event = open_perf_event(task_clock_attributes(kPeriod), own_tid);
  if (event < 0) {
    return kUsual;
  }
  const std::uint64_t gap = median_gap();
  ioctl(event, PERF_EVENT_IOC_DISABLE, 0);
  close(event);
  return gap;
}

}  // namespace

std::uint64_t interrupt_cost_ns() {
  // Not a static with a guard: a fork may find it taken.
  static std::atomic<std::uint64_t> cost{0};
  if (cost.load(std::memory_order_relaxed) == 0) {
    cost.store(measure(), std::memory_order_relaxed);
  }
  return cost.load(std::memory_order_relaxed);
}

}  // namespace otprof::cpu
