// SPDX-License-Identifier: Apache-2.0
// allocations pair THREADS MILLIONS | churn MILLIONS: prints nanoseconds of CPU time per operation.
//   pair   malloc and free of 16 to 512 bytes, at once
//   churn  100 MB alive, a random block is replaced each time
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static long count;

static void* pairs(void* unused) {
  for (long i = 0; i < count; ++i) {
    void* volatile block = malloc(16 + ((unsigned long)i * 37 & 511) % 497);
    free(block);
  }
  return unused;
}

static double cpu_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

// From when the blocks are there.
static double churn(void) {
  enum { kBlocks = 400000 };
  static void* blocks[kBlocks];
  unsigned long x = 88172645463325252UL;
  for (int i = 0; i < kBlocks; ++i) {
    blocks[i] = malloc(16 + (size_t)i * 7919 % 480);
  }
  const double start = cpu_ns();
  for (long i = 0; i < count; ++i) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    const size_t at = x % kBlocks;
    free(blocks[at]);
    blocks[at] = malloc(16 + (x >> 32) % 480);
    *(char*)blocks[at] = 1;
  }
  return start;
}

int main(int argc, char** argv) {
  const int is_pair = argc > 3 && strcmp(argv[1], "pair") == 0;
  const int threads = is_pair ? atoi(argv[2]) : 1;
  count = atol(argv[argc - 1]) * 1000000;
  double start = cpu_ns();
  if (is_pair) {
    pthread_t ids[64];
    for (int i = 1; i < threads; ++i) {
      pthread_create(&ids[i], NULL, pairs, NULL);
    }
    pairs(NULL);
    for (int i = 1; i < threads; ++i) {
      pthread_join(ids[i], NULL);
    }
  } else {
    start = churn();
  }
  printf("%.3f\n", (cpu_ns() - start) / (double)count / threads);
  return 0;
}
