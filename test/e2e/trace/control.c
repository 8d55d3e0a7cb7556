// SPDX-License-Identifier: Apache-2.0
// Stops, starts, changes and asks the profiler, with 300 ms of CPU time in between; prints a line
// "WHAT CODE STATE HZ INTERVAL CPU-SAMPLES WINDOWS" after each.
#include <otprof.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define WITH_WORK
#include "test/e2e/trace/work.h"

static void tell(const char *what, int code) {
  otprof_status now;
  usleep(300000);  // numbers are those of the last visit
  otprof_get_status(&now);
  printf("%s %d %u %u %llu %llu %llu\n", what, code, now.state, now.cpu_hz,
         (unsigned long long)now.heap_interval, (unsigned long long)now.cpu_samples,
         (unsigned long long)now.windows);
  fflush(stdout);
  burn();
  burn();
}

int main(void) {
  otprof_status now;
  outside_span();
  while (otprof_get_status(&now) == OTPROF_NOT_RUNNING) {
    usleep(10000);
  }
  tell("begin", 0);
  tell("stop", otprof_stop(20000));
  tell("start", otprof_start(20000));
  tell("slow", otprof_set_cpu_hz(100, 20000));
  tell("fast", otprof_set_cpu_hz(1000, 20000));
  tell("interval", otprof_set_heap_interval(4096, 20000));
  tell("flush", otprof_flush(20000));
  tell("snapshot", otprof_snapshot(OTPROF_CPU, "snapshot.cpu.pb.gz", 20000));
  tell("heap", otprof_snapshot(OTPROF_HEAP, "snapshot.heap.pb.gz", 20000));
  tell("nowhere", otprof_snapshot(OTPROF_CPU, "/dev/null/x", 20000));
  tell("stop", otprof_stop(20000));
  const pid_t child = fork();
  if (child == 0) {
    while (otprof_get_status(&now) == OTPROF_NOT_RUNNING) {
      usleep(10000);
    }
    tell("child", 0);
    tell("start", otprof_start(20000));
    tell("end", 0);
    return 0;
  }
  waitpid(child, NULL, 0);
  tell("end", 0);
  return 0;
}
