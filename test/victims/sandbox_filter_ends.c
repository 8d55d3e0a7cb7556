// SPDX-License-Identifier: Apache-2.0
//
// A filter that kills for all but what the program needs, and then the ends a program has: fork and
// _exit in the child, exit here. Neither may bring system calls of a profiler's.
#include "test/victims/victim.h"
#include "test/victims/seccomp_filter.h"
#include <sys/wait.h>

int main(void) {
  printf("before\n");
  burn_ms(250);
  const int needed[] = {SYS_read,  SYS_write,  SYS_exit_group,    SYS_exit,  SYS_rt_sigreturn,
                        SYS_clone, SYS_wait4,  SYS_newfstatat,    SYS_brk,   SYS_clock_gettime,
                        SYS_fstat, SYS_gettid, SYS_rt_sigprocmask, SYS_set_robust_list, SYS_futex};
  if (permit_only(needed, sizeof needed / sizeof *needed, SECCOMP_RET_KILL_PROCESS, 0) != 0) {
    skip("no seccomp filters here");
  }
  for (int i = 0; i < 3; ++i) {
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
      burn_ms(30);
      printf("child %d\n", i);
      i == 0 ? exit(20) : _exit(21);
    }
    print_child("child", child);
  }
  burn_ms(250);
  return 12;
}
