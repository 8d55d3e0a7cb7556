// SPDX-License-Identifier: Apache-2.0
// Threads that allocate and free in every round of their destructors, and of which libc frees something
// after the last one: what an allocator keeps for a thread must go with it.
#include "test/victims/victim.h"

enum { kKeys = 40, kThreads = 8000, kPrecision = 12 << 20 };
static pthread_key_t keys[kKeys];

static void end_of_thread(void* block) {
  free(block);
  pthread_setspecific(keys[kKeys - 1], malloc(100));
}

static void* run(void* unused) {
  // Beyond the 32nd libc keeps the values in a block of its own.
  pthread_setspecific(keys[kKeys - 1], malloc(200));
  free(malloc(3000));
  return unused;
}

static long resident(void) {
  long pages = 0;
  FILE* const file = fopen("/proc/self/statm", "r");
  fscanf(file, "%*d %ld", &pages);
  fclose(file);
  return pages * sysconf(_SC_PAGESIZE);
}

static void make_threads(int count) {
  for (int i = 0; i < count; ++i) {
    pthread_t thread;
    pthread_create(&thread, NULL, run, NULL);
    pthread_join(thread, NULL);
  }
}

int main(void) {
  for (int i = 0; i < kKeys; ++i) {
    pthread_key_create(&keys[i], i == kKeys - 1 ? end_of_thread : NULL);
  }
  make_threads(1000);
  const long before = resident();
  make_threads(kThreads);
  printf("grew: %d\n", resident() > before + kPrecision);
  return 0;
}
