// SPDX-License-Identifier: Apache-2.0
//
// A sandbox that permits what the program itself needs and kills for the rest, as file(1) and
// man(1) have: a handler may not bring system calls of its own.
#include "test/victims/victim.h"
#include "test/victims/seccomp_filter.h"

int main(void) {
  printf("before\n");  // libc asks for random numbers when it first allocates
  burn_ms(250);
  const int needed[] = {SYS_read,       SYS_write, SYS_exit_group,    SYS_exit,  SYS_rt_sigreturn,
                        SYS_newfstatat, SYS_brk,   SYS_clock_gettime, SYS_fstat};
  if (permit_only(needed, sizeof needed / sizeof *needed, SECCOMP_RET_KILL_PROCESS, 0) != 0) {
    skip("no seccomp filters here");
  }
  burn_ms(250);
  printf("still here\n");
  fflush(stdout);
  _exit(12);
}
