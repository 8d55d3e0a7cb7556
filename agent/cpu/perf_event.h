// SPDX-License-Identifier: Apache-2.0
//
// Opening perf events of the task clock, as two of the engines use them. Background thread only: the
// descriptors belong into its own table.
#pragma once

#include <linux/perf_event.h>
#include <sys/types.h>

#include <cstdint>
#include <string>

namespace otprof::cpu {

// A description of an event that counts the user time of a thread. Never kernel time: its signal
// would interrupt system calls, and kill a program that is being executed before it has a handler.
perf_event_attr task_clock_attributes(std::uint64_t period_ns);

// The descriptor, or -errno. EPERM, too, once the program has put a filter on its system calls.
int open_perf_event(perf_event_attr attributes, pid_t tid);

// The same with a trap instead of a count: inherited by threads (a forked child opens its own), gone when a
// program is executed (which has no handler for it), and at each period's end SIGTRAP with `data`.
int open_trap_event(perf_event_attr attributes, std::uint64_t data, pid_t tid);

// In words, for a log line, why perf_event_open was refused with this errno.
std::string explain_perf_error(int error);

}  // namespace otprof::cpu
