// SPDX-License-Identifier: Apache-2.0
//
// Threads with 16 KiB of stack, most of it in use: a greedy handler, or one that enters the
// loader, overruns it (peers: SIGSEGV).
#include "test/victims/victim.h"
#include <limits.h>

static void* deep(void* unused) {
  // The kernel's own frame for a signal takes up to 3 KiB with wide vector registers.
  char used[7 * 1024];
  memset(used, 7, sizeof used);
  burn_ms(20);
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
  for (int i = 0; i < 20; ++i) {
    pthread_t thread;
    if (pthread_create(&thread, &attributes, deep, NULL) != 0) {
      printf("not created\n");
      return 1;
    }
    pthread_join(thread, NULL);
  }
  printf("done\n");
}
