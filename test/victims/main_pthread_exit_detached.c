// SPDX-License-Identifier: Apache-2.0
//
// main ends by pthread_exit while detached threads go on, the last of which makes exit handlers
// run.
#include "test/victims/victim.h"

static void at_exit(void) { printf("exit handler\n"); }

static void* slow(void* milliseconds) {
  pthread_detach(pthread_self());
  burn_ms((long)(size_t)milliseconds);
  return NULL;
}

int main(void) {
  atexit(at_exit);
  for (size_t i = 1; i <= 4; ++i) {
    pthread_t thread;
    pthread_create(&thread, NULL, slow, (void*)(i * 20));
  }
  burn_ms(10);
  pthread_exit(NULL);
}
