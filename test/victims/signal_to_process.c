// SPDX-License-Identifier: Apache-2.0
//
// Signals sent to the process are handled by one of its own threads, never by one of a profiler's.
#include "test/victims/victim.h"

static volatile int on_main;
static volatile int elsewhere;

static void on_signal(int number) {
  (void)number;
  if (gettid() == getpid()) {
    ++on_main;
  } else {
    ++elsewhere;
  }
}

int main(void) {
  signal(SIGUSR1, on_signal);
  signal(SIGRTMIN + 3, on_signal);
  for (int i = 0; i < 1000; ++i) {
    const int before = on_main + elsewhere;
    kill(getpid(), i % 2 ? SIGUSR1 : SIGRTMIN + 3);
    while (on_main + elsewhere == before) {
    }
    for (volatile int spin = 0; spin < 20000; ++spin) {
    }
  }
  printf("on main %d, elsewhere %d\n", on_main, elsewhere);
}
