// SPDX-License-Identifier: Apache-2.0
//
// Filters put on one after the other. The last lets no signal handler return; the one before kills for what it
// would take to have none then.
#include "test/victims/victim.h"
#include "test/victims/seccomp_filter.h"

static const int kFirst[][4] = {{SYS_rt_sigaction, SYS_nanosleep, SYS_clock_nanosleep, SYS_futex},
                                {SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_nanosleep, SYS_tgkill}};

int main(void) {
  printf("before\n");
  fflush(stdout);
  burn_ms(50);
  for (int way = 0; way < 2; ++way) {
    const pid_t child = fork();
    if (child == 0) {
      static const int kReturn[] = {SYS_rt_sigreturn};
      burn_ms(50);
      if (forbid(kFirst[way], 4, SECCOMP_RET_KILL_PROCESS) != 0) {
        _exit(1);
      }
      burn_ms(50);
      if (forbid(kReturn, 1, SECCOMP_RET_KILL_PROCESS) != 0) {
        _exit(2);
      }
      burn_ms(100);
      _exit(20 + way);
    }
    print_child("child", child);
  }
}
