// SPDX-License-Identifier: Apache-2.0
//
// Executed under a filter that kills for the return from a signal handler. No handler may run in it, and so none
// of a profiler's.
#include "test/victims/victim.h"
#include "test/victims/seccomp_filter.h"

int main(int argc, char** argv) {
  if (argc == 1) {
    const int handlers[] = {SYS_rt_sigreturn};
    if (forbid(handlers, 1, SECCOMP_RET_KILL_PROCESS) != 0) {
      skip("no seccomp filters here");
    }
    execl("/proc/self/exe", argv[0], "filtered", (char*)NULL);
  }
  burn_ms(300);
  for (int i = 0; i < 2000; ++i) {
    free(malloc(1000));
  }
  printf("served\n");
  return 3;
}
