// SPDX-License-Identifier: Apache-2.0
//
// Far more threads at once than RLIMIT_NOFILE has descriptors: a profiler that needs one for each
// thread takes the program's last ones, or loses threads.
#include "test/victims/victim.h"
#include <sys/resource.h>

enum { kThreads = 5000 };
static pthread_barrier_t all_here;

static void* wait_for_all(void* number) {
  pthread_barrier_wait(&all_here);
  volatile unsigned x = 1;
  for (int i = 0; i < 100000; ++i) {
    x = x * 1664525u + 1013904223u;
  }
  return number;
}

int main(void) {
  const struct rlimit few = {256, 256};
  setrlimit(RLIMIT_NOFILE, &few);
  static pthread_t threads[kThreads];
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 32 * 1024);
  pthread_barrier_init(&all_here, NULL, kThreads);
  for (size_t i = 0; i < kThreads; ++i) {
    const int error = pthread_create(&threads[i], &attributes, wait_for_all, (void*)i);
    if (error != 0) {
      skip("the system does not allow 5,000 threads");
    }
  }
  size_t joined = 0;
  for (size_t i = 0; i < kThreads; ++i) {
    void* result = NULL;
    joined += pthread_join(threads[i], &result) == 0 && result == (void*)i;
  }
  printf("%zu\n", joined);
  int opened = 0;
  while (open("/dev/null", O_RDONLY) >= 0) {
    ++opened;
  }
  printf("descriptors: %d\n", opened);
  burn_ms(20);
}
