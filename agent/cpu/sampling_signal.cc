// SPDX-License-Identifier: Apache-2.0
//
// Handler side (on_signal). Calls allowed there: take_sample, count_signal, interrupted_tid,
// take_timer_signal, periods_of_trap, pass_on_signal, memcpy.
#include "agent/cpu/sampling_signal.h"

#include <signal.h>
#include <ucontext.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstring>

#include "agent/cpu/sampler.h"
#include "agent/cpu/thread_timers.h"
#include "interpose/hooks.h"

namespace otprof::cpu {
namespace {

constexpr int kTrapPerf = 6;                 // TRAP_PERF, linux >= 5.13
constexpr std::size_t kPerfDataOffset = 24;  // siginfo_t._sifields._sigfault._perf._data
constexpr std::uint64_t kTrapMark = 0x6f74'7072'6f66'0000;
constexpr std::uint64_t kPeriodBits = 0xffff;

enum class Event : std::uint8_t { kNone, kOnce, kFirstTwice };
std::array<std::atomic<Event>, 65536> events{};  // by descriptor, in the agent's own table
std::atomic<std::uint32_t> event_weight{1};

bool take_trap(const siginfo_t& info, const ucontext_t& interrupted) noexcept {
  std::uint64_t data = 0;
  std::memcpy(&data, reinterpret_cast<const char*>(&info) + kPerfDataOffset, sizeof data);
  if (info.si_code != kTrapPerf || (data & ~kPeriodBits) != kTrapMark) {
    return false;
  }
  const std::uint32_t periods = periods_of_trap(interrupted_tid(interrupted));
  if (periods != 0) {
    take_sample(interrupted, periods * static_cast<std::uint32_t>(data & kPeriodBits),
                DueBy::kPreciseClock);
  }
  return true;
}

bool take_event(const siginfo_t& info, const ucontext_t& interrupted) noexcept {
  const auto fd = static_cast<std::size_t>(info.si_fd);
  if (info.si_code != POLL_IN || fd >= events.size()) {
    return false;
  }
  const Event event = events[fd].load(std::memory_order_relaxed);
  if (event == Event::kNone) {
    return false;
  }
  const std::uint32_t periods = event_weight.load(std::memory_order_relaxed);
  if (event == Event::kFirstTwice) {
    events[fd].store(Event::kOnce, std::memory_order_relaxed);
    take_sample(interrupted, 2 * periods, DueBy::kPreciseClock);
  } else {
    take_sample(interrupted, periods, DueBy::kPreciseClock);
  }
  return true;
}

// Older emulators (qemu-user 7.2) enter handlers with a stack that is not aligned as the kernel's.
[[gnu::force_align_arg_pointer]] void on_signal(int signal, siginfo_t* info,
                                                void* context) noexcept {
  const auto& interrupted = *static_cast<const ucontext_t*>(context);
  const bool is_ours =
      take_timer_signal(*info, interrupted) ||
      (signal == SIGTRAP ? take_trap(*info, interrupted) : take_event(*info, interrupted));
  if (is_ours) {
    count_signal();
  } else {
    interpose::pass_on_signal(signal, info, context);
  }
}

}  // namespace

bool guard_sampling_signal(int signal) noexcept {
  return interpose::guard_signal(signal, on_signal);
}

std::uint64_t trap_data(std::uint32_t periods) noexcept { return kTrapMark | periods; }

bool accept_event(int fd, bool counts_first_twice) noexcept {
  if (fd < 0 || static_cast<std::size_t>(fd) >= events.size()) {
    return false;
  }
  events[static_cast<std::size_t>(fd)].store(counts_first_twice ? Event::kFirstTwice : Event::kOnce,
                                             std::memory_order_relaxed);
  return true;
}

void refuse_event(int fd) noexcept {
  events[static_cast<std::size_t>(fd)].store(Event::kNone, std::memory_order_relaxed);
}

void set_event_weight(std::uint32_t periods) noexcept {
  event_weight.store(periods, std::memory_order_relaxed);
}

}  // namespace otprof::cpu
