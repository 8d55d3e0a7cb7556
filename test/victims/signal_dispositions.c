// SPDX-License-Identifier: Apache-2.0
//
// What a program sees of signals at its start: dispositions, mask, and what it inherits by exec.
#include "test/victims/victim.h"

static void print_all(const char* when) {
  printf("%s:", when);
  for (int number = 1; number < 65; ++number) {
    struct sigaction now;
    if (sigaction(number, NULL, &now) == 0 && now.sa_handler != SIG_DFL) {
      printf(" %d=%s", number, now.sa_handler == SIG_IGN ? "ignored" : "handled");
    }
  }
  sigset_t mask;
  sigprocmask(SIG_BLOCK, NULL, &mask);
  printf("; blocked:");
  for (int number = 1; number < 65; ++number) {
    if (sigismember(&mask, number) == 1) {
      printf(" %d", number);
    }
  }
  printf("\n");
  fflush(stdout);
}

static void on_signal(int number) { (void)number; }

int main(int argc, char** argv) {
  print_all(argc == 1 ? "first image" : "second image");
  burn_ms(30);
  if (argc == 1) {
    signal(SIGUSR1, SIG_IGN);
    signal(SIGUSR2, on_signal);
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGALRM);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    print_all("changed");
    execl("/proc/self/exe", argv[0], "again", (char*)NULL);
  }
}
