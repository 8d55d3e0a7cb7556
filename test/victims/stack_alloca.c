// SPDX-License-Identifier: Apache-2.0
//
// Frames of 5 MB and of changing size, where the frame pointer is not a constant distance away.
#include "test/victims/victim.h"
#include <alloca.h>

static __attribute__((noinline)) long frame(size_t size) {
  volatile char* block = alloca(size);
  for (size_t at = 0; at < size; at += 4096) {
    block[at] = (char)at;
  }
  burn_ms(3);
  return block[0];
}

int main(void) {
  long sum = 0;
  for (size_t size = 16; size <= 5u << 20; size = size * 3 / 2 + 16) {
    sum += frame(size);
  }
  printf("%ld\n", sum);
}
