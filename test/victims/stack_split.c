// SPDX-License-Identifier: Apache-2.0
//
// Compiled with -fsplit-stack: each function gets as much stack as it said, in pieces, and a signal handler of
// somebody else's finds no room there.
#include "test/victims/victim.h"

// Not inlined, and not made a loop: a frame each.
__attribute__((noinline)) static int descend(int left) {
  char frame[200];
  memset(frame, left, sizeof frame);
  unsigned x = 1;
  for (int i = 0; i < 100; ++i) {
    x = x * 1664525u + 1013904223u;
  }
  burn_result = x;
  const int below = left == 0 ? 0 : descend(left - 1);
  return below + frame[x % sizeof frame];
}

static void* go_down(void* unused) {
  (void)unused;
  long sum = 0;
  for (int i = 0; i < 400; ++i) {
    sum += descend(1000 + i % 50);
    free(malloc((size_t)i * 10));
  }
  return (void*)sum;
}

int main(void) {
  pthread_t threads[3];
  for (int i = 0; i < 3; ++i) {
    pthread_create(&threads[i], NULL, go_down, NULL);
  }
  printf("%ld\n", (long)go_down(NULL));
  for (int i = 0; i < 3; ++i) {
    void* sum = NULL;
    pthread_join(threads[i], &sum);
    printf("%ld\n", (long)sum);
  }
  return 5;
}
