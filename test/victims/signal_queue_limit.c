// SPDX-License-Identifier: Apache-2.0
//
// RLIMIT_SIGPENDING of zero: queued signals fail as they would alone and no signal of a profiler
// turns into a kill.
#include "test/victims/victim.h"
#include <sys/resource.h>

int main(void) {
  const struct rlimit limit = {0, 0};
  setrlimit(RLIMIT_SIGPENDING, &limit);
  burn_ms(50);
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  burn_ms(50);
  const union sigval value = {1};
  printf("sigqueue: %s\n", sigqueue(getpid(), SIGRTMIN, value) == 0 ? "queued" : strerror(errno));
  sigdelset(&all, SIGRTMIN);
  sigprocmask(SIG_UNBLOCK, &all, NULL);
  burn_ms(50);
  printf("alive\n");
}
