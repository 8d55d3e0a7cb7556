// SPDX-License-Identifier: Apache-2.0
//
// exit handlers that burn, make threads and fork after the agent has ended its work.
#include "test/victims/victim.h"

static void late(void) {
  burn_ms(20);
  pthread_t thread;
  pthread_create(&thread, NULL, burn_thread, (void*)10);
  pthread_join(thread, NULL);
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    burn_ms(10);
    _exit(3);
  }
  print_child("child of an exit handler", child);
}

static __attribute__((destructor)) void last(void) {
  burn_ms(20);
  printf("destructor\n");
}

int main(void) {
  atexit(late);
  burn_ms(30);
  return 5;
}
