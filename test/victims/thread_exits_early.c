// SPDX-License-Identifier: Apache-2.0
//
// pthread_exit in threads other than main, from below other frames, with cleanup handlers.
#include "test/victims/victim.h"

static void cleanup(void* count) { ++*(int*)count; }

static __attribute__((noinline)) void below(long milliseconds) {
  burn_ms(milliseconds);
  pthread_exit((void*)13);
}

static void* run(void* count) {
  pthread_cleanup_push(cleanup, count);
  below(20);
  pthread_cleanup_pop(0);
  return NULL;
}

int main(void) {
  int count = 0;
  for (int i = 0; i < 5; ++i) {
    pthread_t thread;
    void* result = NULL;
    pthread_create(&thread, NULL, run, &count);
    pthread_join(thread, &result);
    printf("thread left %zu\n", (size_t)result);
  }
  printf("%d cleanup handlers\n", count);
}
