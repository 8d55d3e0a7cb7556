// SPDX-License-Identifier: Apache-2.0
//
// Two hundred threads at once, with RLIMIT_NOFILE of 100: peers that need a descriptor per thread
// lose most of them.
#include "test/victims/victim.h"
#include <sys/resource.h>

static pthread_barrier_t barrier;

static void* wait_then_burn(void* unused) {
  pthread_barrier_wait(&barrier);
  burn_ms(5);
  return unused;
}

int main(void) {
  const struct rlimit limit = {100, 100};
  setrlimit(RLIMIT_NOFILE, &limit);
  pthread_barrier_init(&barrier, NULL, 200);
  pthread_t threads[200];
  int made = 0;
  for (int i = 0; i < 200; ++i) {
    made += pthread_create(&threads[i], NULL, wait_then_burn, NULL) == 0;
  }
  int joined = 0;
  for (int i = 0; i < 200; ++i) {
    joined += pthread_join(threads[i], NULL) == 0;
  }
  printf("%d made, %d joined; first free descriptor %d\n", made, joined, dup(0));
}
