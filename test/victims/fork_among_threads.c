// SPDX-License-Identifier: Apache-2.0
//
// fork again and again while other threads allocate and burn: a lock that a profiler held at that
// moment stays locked in the child.
#include "test/victims/victim.h"

static volatile int done;

static void* churn(void* unused) {
  while (!done) {
    void* blocks[64];
    for (int i = 0; i < 64; ++i) {
      blocks[i] = malloc((size_t)(i * 37 + 1));
    }
    for (int i = 0; i < 64; ++i) {
      free(blocks[i]);
    }
  }
  return unused;
}

int main(void) {
  pthread_t threads[3];
  int good = 0;
  for (int i = 0; i < 3; ++i) {
    pthread_create(&threads[i], NULL, churn, NULL);
  }
  for (int i = 0; i < 40; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      free(malloc(100));
      burn_ms(1);
      exit(21);
    }
    int status = 0;
    waitpid(child, &status, 0);
    good += WIFEXITED(status) && WEXITSTATUS(status) == 21;
  }
  done = 1;
  for (int i = 0; i < 3; ++i) {
    pthread_join(threads[i], NULL);
  }
  printf("%d good children\n", good);
}
