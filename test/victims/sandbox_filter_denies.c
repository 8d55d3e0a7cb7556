// SPDX-License-Identifier: Apache-2.0
//
// A filter on all threads at once that kills for a call no ordinary program makes, in a process that
// then goes on for some seconds: longer than a profiler can do without looking after its rates and
// threads.
#include "test/victims/victim.h"
#include "test/victims/seccomp_filter.h"

int main(void) {
  burn_ms(100);
  const int denied[] = {SYS_perf_event_open, SYS_ptrace, SYS_bpf};
  if (filter_calls(denied, sizeof denied / sizeof *denied, SECCOMP_RET_KILL_PROCESS,
                   SECCOMP_RET_ALLOW, SECCOMP_FILTER_FLAG_TSYNC) != 0) {
    skip("no seccomp filters here");
  }
  printf("filtered\n");
  burn_ms(3000);
  return 4;
}
