// SPDX-License-Identifier: Apache-2.0
//
// Killed by SIGKILL in the middle of a window: the status is kept and nothing half written stays.
#include "test/victims/victim.h"

int main(void) {
  burn_ms(230);
  printf("kill\n");
  fflush(stdout);
  kill(getpid(), SIGKILL);
}
