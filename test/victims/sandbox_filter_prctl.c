// SPDX-License-Identifier: Apache-2.0
//
// A filter that kills for all but what the program needs, put on by prctl as a raw system call; and then
// the end of the program. It may not bring system calls of a profiler's.
#include "test/victims/seccomp_filter.h"
#include "test/victims/victim.h"

int main(void) {
  printf("before\n");
  burn_ms(50);
  const int needed[] = {SYS_write, SYS_exit_group, SYS_rt_sigreturn, SYS_clock_gettime};
  struct sock_filter program[kLongestFilter];
  const struct sock_fprog filter = {write_filter(program, needed, sizeof needed / sizeof *needed,
                                                 SECCOMP_RET_ALLOW, SECCOMP_RET_KILL_PROCESS),
                                    program};
  fflush(stdout);
  syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (syscall(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) != 0) {
    skip("no seccomp filters here");
  }
  burn_ms(250);
  return 12;
}
