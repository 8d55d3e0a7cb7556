// SPDX-License-Identifier: Apache-2.0
//
// SIGTRAP that nobody handles kills, by signal 5.
#include "test/victims/victim.h"

int main(void) {
  burn_ms(30);
  fflush(stdout);
  raise(SIGTRAP);
  printf("never reached\n");
}
