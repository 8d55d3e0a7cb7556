// SPDX-License-Identifier: Apache-2.0
//
// Blocking reads and writes of pipes transfer what they would alone: no short count, no EINTR,
// with and without SA_RESTART.
#include "test/victims/victim.h"

static int ends[2];

static void* feed(void* unused) {
  static char block[300000];
  for (int i = 0; i < 40; ++i) {
    burn_ms(2);
    if (write(ends[1], block, sizeof block) != (ssize_t)sizeof block) {
      printf("short write: %s\n", strerror(errno));
    }
  }
  close(ends[1]);
  return unused;
}

int main(void) {
  if (pipe(ends) != 0) {
    return 1;
  }
  pthread_t thread;
  pthread_create(&thread, NULL, feed, NULL);
  static char buffer[65536];
  long total = 0;
  for (ssize_t size; (size = read(ends[0], buffer, sizeof buffer)) != 0;) {
    if (size < 0) {
      printf("read: %s\n", strerror(errno));
      break;
    }
    total += size;
    for (volatile int spin = 0; spin < 20000; ++spin) {
    }
  }
  pthread_join(thread, NULL);
  printf("%ld bytes\n", total);
}
