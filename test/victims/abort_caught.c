// SPDX-License-Identifier: Apache-2.0
//
// A handler of SIGABRT that jumps out of abort: the program goes on.
#include "test/victims/victim.h"
#include <setjmp.h>

static sigjmp_buf back;

static void on_abort(int number) {
  (void)number;
  siglongjmp(back, 1);
}

int main(void) {
  signal(SIGABRT, on_abort);
  for (volatile int i = 0; i < 20; ++i) {
    if (sigsetjmp(back, 1) == 0) {
      abort();
    }
    burn_ms(5);
  }
  printf("twenty times\n");
  return 6;
}
