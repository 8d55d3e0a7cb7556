// SPDX-License-Identifier: Apache-2.0
#include "agent/cpu/perf_event.h"

#include <errno.h>
#include <string.h>

#include "agent/unusual_calls.h"

namespace otprof::cpu {

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

int open_perf_event(perf_event_attr attributes, pid_t tid) {
  return static_cast<int>(agent::unusual_syscall(SYS_perf_event_open,
                                                 agent::syscall_argument(&attributes), tid, -1, -1,
                                                 PERF_FLAG_FD_CLOEXEC));
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
