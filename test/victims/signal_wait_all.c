// SPDX-License-Identifier: Apache-2.0
//
// sigwaitinfo, sigtimedwait, sigwait and signalfd on every signal receive what was sent and
// nothing else.
#include "test/victims/victim.h"
#include <poll.h>
#include <sys/signalfd.h>

int main(void) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  const struct timespec none = {0, 0};
  int strangers = 0;
  for (int i = 0; i < 30; ++i) {
    siginfo_t info;
    burn_ms(3);
    if (sigtimedwait(&all, &info, &none) >= 0) {
      ++strangers;
    }
    raise(SIGUSR2);
    const int got = sigwaitinfo(&all, &info);
    strangers += got != SIGUSR2;
    burn_ms(3);
    int number = 0;
    raise(SIGTERM);
    sigwait(&all, &number);
    strangers += number != SIGTERM;
  }
  printf("waiting: %d strangers\n", strangers);
  const int queue = signalfd(-1, &all, SFD_NONBLOCK);
  strangers = 0;
  for (int i = 0; i < 30; ++i) {
    struct signalfd_siginfo info;
    burn_ms(3);
    struct pollfd ready = {queue, POLLIN, 0};
    strangers += poll(&ready, 1, 0) != 0;
    raise(SIGHUP);
    while (read(queue, &info, sizeof info) == (ssize_t)sizeof info) {
      strangers += info.ssi_signo != SIGHUP;
    }
  }
  printf("signalfd: %d strangers\n", strangers);
}
