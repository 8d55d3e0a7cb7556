// SPDX-License-Identifier: Apache-2.0
//
// Takes LD_PRELOAD out of its environment and starts children, which then run without the library.
#include "test/victims/victim.h"

int main(void) {
  burn_ms(30);
  unsetenv("LD_PRELOAD");
  fflush(stdout);
  printf("%d\n", system("grep -c otprof /proc/self/maps"));
  burn_ms(30);
}
