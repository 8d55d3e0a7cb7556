// SPDX-License-Identifier: Apache-2.0
//
// A SIGALRM handler that leaves by siglongjmp, thousands of times, while samples are taken.
#include "test/victims/victim.h"
#include <setjmp.h>
#include <sys/time.h>

static sigjmp_buf back;

static void on_alarm(int number) {
  (void)number;
  siglongjmp(back, 1);
}

int main(void) {
  signal(SIGALRM, on_alarm);
  volatile int jumps = 0;
  const struct itimerval often = {{0, 700}, {0, 700}};
  if (sigsetjmp(back, 1) != 0) {
    ++jumps;
  }
  if (jumps == 0) {
    setitimer(ITIMER_REAL, &often, NULL);
  }
  while (jumps < 500) {
    for (volatile int spin = 0; spin < 1000; ++spin) {
    }
  }
  const struct itimerval never = {{0, 0}, {0, 0}};
  signal(SIGALRM, SIG_IGN);
  setitimer(ITIMER_REAL, &never, NULL);
  printf("done\n");
}
