// SPDX-License-Identifier: Apache-2.0
//
// _exit: no handler runs and what is buffered is lost; peers that hook it run handlers or lose
// the profile.
#include "test/victims/victim.h"

static void at_exit(void) { write(STDOUT_FILENO, "wrong\n", 6); }

int main(void) {
  atexit(at_exit);
  burn_ms(30);
  printf("buffered, so never seen");
  _exit(9);
}
