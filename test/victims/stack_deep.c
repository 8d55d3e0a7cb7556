// SPDX-License-Identifier: Apache-2.0
//
// A recursion of 100000 frames, sampled at its bottom: depth is bounded, time and memory too.
#include "test/victims/victim.h"

static __attribute__((noinline)) long down(long depth) {
  volatile long local = depth;
  if (depth == 0) {
    burn_ms(60);
    return 0;
  }
  return down(depth - 1) + (local == depth);
}

int main(void) {
  for (int i = 0; i < 3; ++i) {
    printf("%ld\n", down(100000));
  }
}
