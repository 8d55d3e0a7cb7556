// SPDX-License-Identifier: Apache-2.0
//
// A filter put on all threads at once (TSYNC): the call works although a thread of the profiler
// is among them, and an EPERM for everything does not harm.
#include "test/victims/victim.h"
#include "test/victims/seccomp_filter.h"

int main(void) {
  burn_ms(230);
  const int needed[] = {SYS_read,  SYS_write,         SYS_exit_group, SYS_exit,
                        SYS_futex, SYS_rt_sigreturn,  SYS_brk,        SYS_newfstatat,
                        SYS_fstat, SYS_clock_gettime, SYS_munmap,     SYS_madvise};
  const int result = permit_only(needed, sizeof needed / sizeof *needed, SECCOMP_RET_ERRNO | 1,
                                 SECCOMP_FILTER_FLAG_TSYNC);
  printf("seccomp: %d\n", result);
  burn_ms(450);
  printf("open: %d\n", open("/", O_RDONLY));
  return 3;
}
