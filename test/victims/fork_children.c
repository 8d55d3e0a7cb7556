// SPDX-License-Identifier: Apache-2.0
//
// Children of fork end by exit and by _exit: a peer's child overwrites the parent's profile,
// another's parent is never sampled again.
#include "test/victims/victim.h"

static void at_exit(void) { printf("exit handler\n"); }

int main(void) {
  atexit(at_exit);
  burn_ms(30);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    burn_ms(30);
    printf("child one\n");
    exit(4);
  }
  print_child("exit", child);
  child = fork();
  if (child == 0) {
    burn_ms(30);
    printf("never seen");
    _exit(5);
  }
  print_child("_exit", child);
  child = fork();
  if (child == 0) {
    pthread_t thread;
    pthread_create(&thread, NULL, burn_thread, (void*)20);
    pthread_join(thread, NULL);
    abort();
  }
  print_child("abort", child);
  burn_ms(30);
  printf("parent %s children left\n", waitpid(-1, NULL, 0) < 0 && errno == ECHILD ? "has no" : "has");
  return 6;
}
