// SPDX-License-Identifier: Apache-2.0
//
// A program with its own SIGTRAP handler, set by its constructor, hears of raise, kill and int3
// and of nothing else.
#include "test/victims/victim.h"
#include <ucontext.h>

static volatile int by_kill;
static volatile int by_breakpoint;
static volatile int others;

static void on_trap(int signal, siginfo_t* info, void* context) {
  (void)signal;
  (void)context;
  if (info->si_code == SI_TKILL || info->si_code == SI_USER) {
    ++by_kill;
  } else if (info->si_code == SI_KERNEL) {
    ++by_breakpoint;
  } else {
    ++others;
  }
}

static __attribute__((constructor)) void install(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_trap;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGTRAP, &action, NULL);
}

int main(void) {
  for (int i = 0; i < 100; ++i) {
    burn_ms(2);
    raise(SIGTRAP);
    kill(getpid(), SIGTRAP);
    __asm__ volatile("int3");
  }
  struct sigaction now;
  sigaction(SIGTRAP, NULL, &now);
  printf("kill %d, int3 %d, others %d\n", by_kill, by_breakpoint, others);
  printf("sees its own handler: %d, flags: %s\n", now.sa_sigaction == on_trap,
         (now.sa_flags & SA_SIGINFO) != 0 ? "kept" : "changed");
}
