// SPDX-License-Identifier: Apache-2.0
//
// An executable linked in an unusual way still prints and returns what it does alone.
#include "test/victims/victim.h"

static __attribute__((noinline)) long fibonacci(int n) {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

int main(void) {
  long sum = 0;
  for (int i = 0; i < 5; ++i) {
    sum += fibonacci(27);
  }
  pthread_t thread;
  pthread_create(&thread, NULL, burn_thread, (void*)50);
  pthread_join(thread, NULL);
  burn_ms(50);
  void* (*volatile allocate)(size_t) = malloc;
  void (*volatile release)(void*) = free;
  release(allocate(100));
  printf("%ld\n", sum);
  return 9;
}
