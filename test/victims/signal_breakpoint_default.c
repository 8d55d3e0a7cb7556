// SPDX-License-Identifier: Apache-2.0
//
// A breakpoint instruction (an assertion of some runtimes) kills by signal 5, also in a thread.
#include "test/victims/victim.h"

static void* stop_here(void* unused) {
  burn_ms(30);
  __asm__ volatile("int3");
  return unused;
}

int main(void) {
  burn_ms(30);
  const pid_t child = fork();
  if (child == 0) {
    __asm__ volatile("int3");
    _exit(0);
  }
  print_child("child", child);
  pthread_t thread;
  pthread_create(&thread, NULL, stop_here, NULL);
  pthread_join(thread, NULL);
}
