// SPDX-License-Identifier: Apache-2.0
// Threads with 16 KiB of stack, of which some is in use when they allocate for the first time: what an
// allocator sets up for them must fit into the rest. (glibc's takes 1.6 KB.)
#include "test/victims/victim.h"

static void* allocate(void* unused) {
  char used[5000];
  memset(used, 7, sizeof used);
  __asm__ volatile("" : : "r"(used) : "memory");  // really on the stack
  char* volatile block = malloc(100);  // not to be optimised away
  memset(block, 1, 100);
  free(block);
  for (size_t i = 0; i < sizeof used; ++i) {
    if (used[i] != 7) {
      printf("overwritten at %zu\n", i);
      break;
    }
  }
  return unused;
}

int main(void) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 16384);
  for (int i = 0; i < 50; ++i) {
    pthread_t thread;
    if (pthread_create(&thread, &attributes, allocate, NULL) != 0) {
      printf("not created\n");
      return 1;
    }
    pthread_join(thread, NULL);
  }
  burn_ms(50);
  printf("done\n");
  return 0;
}
