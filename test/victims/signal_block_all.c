// SPDX-License-Identifier: Apache-2.0
//
// Threads that block every signal run on, and find no signal waiting that nobody sent.
#include "test/victims/victim.h"

static void print_pending(const char* who) {
  sigset_t pending;
  sigpending(&pending);
  printf("%s:", who);
  for (int signal = 1; signal < 65; ++signal) {
    if (sigismember(&pending, signal) == 1) {
      printf(" %d", signal);
    }
  }
  printf(" pending\n");
}

static void* blocked(void* who) {
  burn_ms(50);
  print_pending(who);
  return NULL;
}

int main(void) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  pthread_t thread;
  pthread_create(&thread, NULL, blocked, (void*)"thread");
  pthread_join(thread, NULL);
  blocked((void*)"main");
  raise(SIGUSR1);
  print_pending("after raise");
  burn_ms(10);
  signal(SIGUSR1, SIG_IGN);
  sigprocmask(SIG_UNBLOCK, &all, NULL);
  burn_ms(50);
  print_pending("unblocked");
}
