// SPDX-License-Identifier: Apache-2.0
// Threads that come and go, and free what others allocated, some without ever allocating; a fork in
// the midst of it.
#include "test/victims/victim.h"

enum { kThreads = 8, kSlots = 256, kRounds = 40000 };
static void* slots[kSlots];

static void* exchange(void* seed) {
  unsigned x = (unsigned)(size_t)seed * 2654435761u + 1;
  for (int i = 0; i < kRounds; ++i) {
    x = x * 1664525u + 1013904223u;
    char* block = malloc(x >> 20);
    if (block != NULL && (x >> 20) != 0) {
      block[0] = 1;
    }
    if (i % 16 == 0) {
      block = realloc(block, x >> 16);
    }
    free(__atomic_exchange_n(&slots[(x >> 8) % kSlots], block, __ATOMIC_ACQ_REL));
  }
  return NULL;
}

static void* only_free(void* unused) {
  for (int i = 0; i < kSlots; ++i) {
    free(__atomic_exchange_n(&slots[i], NULL, __ATOMIC_ACQ_REL));
  }
  return unused;
}

int main(void) {
  for (int round = 0; round < 3; ++round) {
    pthread_t threads[kThreads + 1];
    for (size_t i = 0; i < kThreads; ++i) {
      pthread_create(&threads[i], NULL, exchange, (void*)(i + 1));
    }
    pthread_create(&threads[kThreads], NULL, only_free, NULL);
    const pid_t child = fork();
    if (child == 0) {
      exchange((void*)99);
      only_free(NULL);
      _exit(3);
    }
    for (int i = 0; i <= kThreads; ++i) {
      pthread_join(threads[i], NULL);
    }
    print_child("child", child);
  }
  only_free(NULL);
  printf("done\n");
  return 0;
}
