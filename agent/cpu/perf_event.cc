// SPDX-License-Identifier: Apache-2.0
#include "agent/cpu/perf_event.h"

#include <errno.h>
#include <string.h>

#include <algorithm>
#include <array>

#include "agent/cpu/thread_timers.h"
#include "agent/unusual_calls.h"

namespace otprof::cpu {
namespace {

// The program's own filter, which may be on all threads, may kill for this call.
int open_event(const void* attributes, pid_t tid) {
  if (are_threads_left_alone()) {
    return -EPERM;
  }
  return static_cast<int>(agent::unusual_syscall(
      SYS_perf_event_open, agent::syscall_argument(attributes), tid, -1, -1, PERF_FLAG_FD_CLOEXEC));
}

}  // namespace

perf_event_attr task_clock_attributes(std::uint64_t period_ns) {
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.config = PERF_COUNT_SW_TASK_CLOCK;
  attributes.sample_period = period_ns;
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  return attributes;
}

int open_perf_event(perf_event_attr attributes, pid_t tid) { return open_event(&attributes, tid); }

// Bits and words of perf_event_attr since Linux 5.13, by their number: the kernel's headers may be older
// than the kernel.
int open_trap_event(perf_event_attr attributes, std::uint64_t data, pid_t tid) {
  constexpr std::size_t kFlagsWord = 5;
  constexpr std::uint64_t kInheritThread = 1ULL << 35U;
  constexpr std::uint64_t kRemoveOnExec = 1ULL << 36U;
  constexpr std::uint64_t kSigtrap = 1ULL << 37U;
  constexpr std::size_t kSigDataWord = 15;
  std::array<std::uint64_t, 16> words{};
  attributes.inherit = 1;
  attributes.size = sizeof words;
  memcpy(words.data(), &attributes, std::min(sizeof attributes, sizeof words));
  words[kFlagsWord] |= kInheritThread | kRemoveOnExec | kSigtrap;
  words[kSigDataWord] = data;
  return open_event(words.data(), tid);
}

std::string explain_perf_error(int error) {
  char buffer[128];
  std::string text = "perf_event_open: ";
  text += strerror_r(error, buffer, sizeof buffer);
  if (error == EACCES || error == EPERM) {
    text += " (kernel.perf_event_paranoid above 2, or a seccomp filter)";
  } else if (error == EINVAL || error == E2BIG) {
    text += " (needs Linux 5.13 or later)";
  }
  return text;
}

}  // namespace otprof::cpu
