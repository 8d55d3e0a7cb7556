// SPDX-License-Identifier: Apache-2.0
//
// SIGTERM without a handler kills, at once and by that signal.
#include "test/victims/victim.h"

int main(void) {
  burn_ms(30);
  printf("term\n");
  fflush(stdout);
  kill(getpid(), SIGTERM);
  printf("never reached\n");
}
