// SPDX-License-Identifier: Apache-2.0
//
// A thread ends the process while main waits for it: exit handlers run on a thread that is not
// main.
#include "test/victims/victim.h"

static void at_exit(void) { printf("exit handler\n"); }

static void* leave(void* unused) {
  (void)unused;
  burn_ms(30);
  exit(7);
}

int main(void) {
  atexit(at_exit);
  pthread_t thread;
  pthread_create(&thread, NULL, leave, NULL);
  pthread_join(thread, NULL);
  printf("never reached\n");
}
