// SPDX-License-Identifier: Apache-2.0
//
// errno is what the program's own calls made it, through thousands of samples.
#include "test/victims/victim.h"

int main(void) {
  int changed = 0;
  for (int i = 0; i < 3000; ++i) {
    errno = 1000 + i;
    for (volatile int spin = 0; spin < 100000; ++spin) {
    }
    changed += errno != 1000 + i;
  }
  printf("%d times changed\n", changed);
}
