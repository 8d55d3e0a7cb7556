// SPDX-License-Identifier: Apache-2.0
//
// mlockall with MCL_FUTURE: every page that a profiler maps from then on is locked and counted.
#include "test/victims/victim.h"
#include <sys/mman.h>
#include <sys/resource.h>

int main(void) {
  const struct rlimit limit = {64 << 20, 64 << 20};
  setrlimit(RLIMIT_MEMLOCK, &limit);
  burn_ms(20);
  printf("mlockall: %d\n", mlockall(MCL_CURRENT | MCL_FUTURE));
  burn_ms(250);
  pthread_t thread;
  printf("thread: %d\n", pthread_create(&thread, NULL, burn_thread, (void*)50));
  pthread_join(thread, NULL);
}
