// SPDX-License-Identifier: Apache-2.0
//
// A filter on all threads at once that kills for calls no ordinary program makes, in a process that
// then goes on for some seconds, longer than a profiler can do without looking after its rates and
// threads; and makes another thread.
#include "test/victims/victim.h"
#include "test/victims/seccomp_filter.h"

static void* work(void* argument) {
  burn_ms(1500);
  return argument;
}

int main(void) {
  burn_ms(100);
  const int denied[] = {SYS_perf_event_open, SYS_ptrace, SYS_bpf, SYS_timer_create, SYS_timer_delete};
  if (filter_calls(denied, sizeof denied / sizeof *denied, SECCOMP_RET_KILL_PROCESS,
                   SECCOMP_RET_ALLOW, SECCOMP_FILTER_FLAG_TSYNC) != 0) {
    skip("no seccomp filters here");
  }
  printf("filtered\n");
  pthread_t thread;
  pthread_create(&thread, NULL, work, NULL);
  burn_ms(1500);
  pthread_join(thread, NULL);
  burn_ms(1500);
  return 4;
}
