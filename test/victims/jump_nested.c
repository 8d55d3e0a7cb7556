// SPDX-License-Identifier: Apache-2.0
//
// setjmp and longjmp out of sixty nested frames, thousands of times.
#include "test/victims/victim.h"
#include <setjmp.h>

static jmp_buf back;

static __attribute__((noinline)) int down(int depth) {
  volatile int local = depth;
  if (depth == 0) {
    longjmp(back, 1);
  }
  return down(depth - 1) + local;
}

int main(void) {
  volatile int jumps = 0;
  for (volatile int i = 0; i < 20000; ++i) {
    if (setjmp(back) == 0) {
      down(60);
    } else {
      ++jumps;
    }
  }
  burn_ms(20);
  printf("%d jumps\n", jumps);
}
