// SPDX-License-Identifier: Apache-2.0
//
// The same handler set by main, by signal() and by sigaction with SA_RESETHAND and a mask, while
// sampling goes on.
#include "test/victims/victim.h"

static volatile int heard;
static volatile int usr1_blocked;

static void on_trap(int signal) {
  (void)signal;
  sigset_t mask;
  sigprocmask(SIG_BLOCK, NULL, &mask);
  usr1_blocked = sigismember(&mask, SIGUSR1) * 10 + sigismember(&mask, SIGTRAP);
  ++heard;
}

int main(void) {
  burn_ms(50);
  printf("before: %s\n", signal(SIGTRAP, on_trap) == SIG_DFL ? "default" : "foreign handler");
  for (int i = 0; i < 50; ++i) {
    burn_ms(2);
    raise(SIGTRAP);
    __asm__ volatile("int3");
  }
  printf("heard %d, mask %d\n", heard, usr1_blocked);
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_trap;
  action.sa_flags = (int)(SA_RESETHAND | SA_NODEFER);
  sigaddset(&action.sa_mask, SIGUSR1);
  struct sigaction old;
  sigaction(SIGTRAP, &action, &old);
  printf("old is ours: %d\n", old.sa_handler == on_trap);
  burn_ms(50);
  raise(SIGTRAP);
  printf("heard %d, mask %d\n", heard, usr1_blocked);
  sigaction(SIGTRAP, NULL, &old);
  printf("reset: %d\n", old.sa_handler == SIG_DFL);
  burn_ms(50);
  printf("alive\n");
  fflush(stdout);
  raise(SIGTRAP);
  printf("never reached\n");
}
