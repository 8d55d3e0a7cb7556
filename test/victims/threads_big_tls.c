// SPDX-License-Identifier: Apache-2.0
//
// A program with 2 MiB of thread-local variables: they come out of the stack of every thread, a
// profiler's included.
#include "test/victims/victim.h"

static __thread char block[2 << 20];

static void* touch(void* unused) {
  memset(block, 1, sizeof block);
  burn_ms(20);
  printf("%d %d\n", block[0], block[sizeof block - 1]);
  return unused;
}

int main(void) {
  touch(NULL);
  for (int i = 0; i < 3; ++i) {
    pthread_t thread;
    pthread_create(&thread, NULL, touch, NULL);
    pthread_join(thread, NULL);
  }
}
