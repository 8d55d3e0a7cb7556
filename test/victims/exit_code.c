// SPDX-License-Identifier: Apache-2.0
//
// The exit status of main. A profiler that ends in its own exit handler can replace it.
#include "test/victims/victim.h"

int main(void) {
  burn_ms(30);
  printf("unterminated line");
  return 42;
}
