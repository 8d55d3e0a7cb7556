// SPDX-License-Identifier: Apache-2.0
//
// Registers, vector registers and the red zone come through thousands of samples unharmed.
#include "test/victims/victim.h"

typedef double Lanes __attribute__((vector_size(32)));

// A leaf with its variables below the stack pointer, where a signal frame must not go.
static __attribute__((noinline)) unsigned long leaf(unsigned long seed) {
  volatile unsigned long red[12];
  for (unsigned i = 0; i < 12; ++i) {
    red[i] = seed + i;
  }
  for (unsigned round = 0; round < 50000; ++round) {
    red[round % 12] = red[(round + 5) % 12] * 31 + round;
  }
  return red[3] ^ red[7];
}

int main(void) {
  unsigned long expected = leaf(42);
  Lanes lanes = {1.0, 2.0, 3.0, 4.0};
  const Lanes step = {1.0000001, 0.9999999, 1.0000002, 0.9999998};
  long double x87 = 1.0L;
  int wrong = 0;
  for (int i = 0; i < 2000; ++i) {
    wrong += leaf(42) != expected;
    for (int j = 0; j < 10000; ++j) {
      lanes = lanes * step;
      x87 = x87 * 1.0000001L;
    }
  }
  printf("%d wrong, %.12g %.12g %.12g %.12g %.15Lg\n", wrong, lanes[0], lanes[1], lanes[2], lanes[3],
         x87);
}
