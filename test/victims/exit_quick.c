// SPDX-License-Identifier: Apache-2.0
//
// quick_exit runs its own handlers in reverse order and no destructor.
#include "test/victims/victim.h"

static void first(void) { printf("first\n"); }
static void second(void) { printf("second\n"); }
static void wrong(void) { printf("atexit must not run\n"); }

int main(void) {
  atexit(wrong);
  at_quick_exit(first);
  at_quick_exit(second);
  burn_ms(30);
  fflush(stdout);
  setvbuf(stdout, NULL, _IONBF, 0);
  quick_exit(11);
}
