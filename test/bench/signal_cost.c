// SPDX-License-Identifier: Apache-2.0
//
// signal_cost: what it takes from a thread that a sampling engine's signal comes, with a handler that does
// nothing. The thread reads the clock again and again; the gaps are what was taken from it. For each kind of
// event: the median gap, and the quartiles, in us. The governor measures the first row for itself, and
// knows the differences between the first and the others (docs/design/008-governor.md).
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { kPeriodNs = 100000, kLeastGapNs = 500, kMostGaps = 4000, kTimerNs = 4000000 };

static volatile uint64_t signals;

static void count(int number, siginfo_t* info, void* context) {
  (void)number, (void)info, (void)context;
  ++signals;
}

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int open_event(int with_trap) {
  struct perf_event_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.size = sizeof attributes;
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.config = PERF_COUNT_SW_TASK_CLOCK;
  attributes.sample_period = kPeriodNs;
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  attributes.sigtrap = with_trap;
  attributes.remove_on_exec = with_trap;
  return (int)syscall(SYS_perf_event_open, &attributes, gettid(), -1, -1, PERF_FLAG_FD_CLOEXEC);
}

static int by_length(const void* a, const void* b) {
  const uint64_t x = *(const uint64_t*)a;
  const uint64_t y = *(const uint64_t*)b;
  return x < y ? -1 : x > y;
}

// `only_signals`: gaps in which none came do not count.
static void measure(const char* name, uint64_t duration, int only_signals) {
  static uint64_t gaps[kMostGaps];
  size_t found = 0;
  const uint64_t begin = now_ns();
  uint64_t seen = signals;
  for (uint64_t last = begin; last - begin < duration && found < kMostGaps;) {
    const uint64_t now = now_ns();
    if (now - last > kLeastGapNs && (!only_signals || signals != seen)) {
      gaps[found++] = now - last;
    }
    seen = signals;
    last = now;
  }
  if (found == 0) {
    printf("%-28s none\n", name);
    return;
  }
  qsort(gaps, found, sizeof *gaps, by_length);
  printf("%-28s %6.2f %6.2f %6.2f\n", name, (double)gaps[found / 2] / 1e3,
         (double)gaps[found / 4] / 1e3, (double)gaps[3 * found / 4] / 1e3);
}

static void measure_event(const char* name, int with_trap, int with_signal) {
  const int event = open_event(with_trap);
  if (event < 0) {
    printf("%-28s refused\n", name);
    return;
  }
  if (with_signal) {
    const struct f_owner_ex owner = {F_OWNER_TID, gettid()};
    fcntl(event, F_SETOWN_EX, &owner);
    fcntl(event, F_SETSIG, SIGPROF);
    fcntl(event, F_SETFL, O_ASYNC);
  }
  measure(name, 200u * kPeriodNs, with_trap || with_signal);
  close(event);
}

int main(void) {
  const struct sigaction action = {.sa_sigaction = count, .sa_flags = SA_SIGINFO | SA_RESTART};
  sigaction(SIGTRAP, &action, NULL);
  sigaction(SIGPROF, &action, NULL);
  printf("%-28s %6s %6s %6s\n", "us", "median", "low", "high");
  measure_event("an event without a signal", 0, 0);
  measure_event("sigtrap", 1, 0);
  measure_event("F_SETSIG", 0, 1);
  measure("what the kernel does anyway", 1000000000u, 0);
  struct sigevent told = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGPROF};
  told._sigev_un._tid = gettid();
  int timer = 0;
  const struct itimerspec times = {{0, kTimerNs}, {0, kTimerNs}};
  const int user_time = (int)(~(unsigned)gettid() << 3 | 5u);
  if (syscall(SYS_timer_create, user_time, &told, &timer) == 0 &&
      syscall(SYS_timer_settime, timer, 0, &times, NULL) == 0) {
    measure("a tick with a timer's signal", 1000000000u, 1);
  }
  return 0;
}
