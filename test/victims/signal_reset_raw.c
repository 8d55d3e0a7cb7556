// SPDX-License-Identifier: Apache-2.0
//
// Every disposition and mask set past libc, by the system call: what sandboxes and launchers do. A
// sample would then end the process, or never come.
#include "test/victims/victim.h"
#include <sys/syscall.h>

struct kernel_action {
  void (*handler)(int);
  unsigned long flags;
  void (*restorer)(void);
  unsigned long long mask;
};

static long act(int signal, const struct kernel_action* action, struct kernel_action* old) {
  return syscall(SYS_rt_sigaction, signal, action, old, sizeof action->mask);
}

int main(void) {
  burn_ms(50);
  const struct kernel_action by_default = {.handler = SIG_DFL, .mask = 1 << (SIGUSR1 - 1)};
  int failed = 0;
  for (int signal = 1; signal <= 64; ++signal) {
    failed += act(signal, &by_default, NULL) != 0;
  }
  printf("refused: %d\n", failed);  // SIGKILL and SIGSTOP
  struct kernel_action now = {.handler = SIG_IGN};
  printf("read: %ld", act(SIGTRAP, NULL, &now));
  printf(" %d %d\n", now.handler == SIG_DFL, now.mask == by_default.mask);
  burn_ms(150);

  unsigned long long all = ~0ULL;
  unsigned long long before = 1;
  printf("mask: %ld", syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, &before, sizeof all));
  printf(" %llx", before);
  printf(" %ld", syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &before, sizeof all));
  printf(" %llx\n", before);
  burn_ms(150);
  errno = 0;
  printf("wrong size: %ld", syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, NULL, 4L));
  printf(" %d\n", errno);
  printf("wrong number: %ld", syscall(100000));
  printf(" %d\n", errno);

  const pid_t child = fork();
  if (child == 0) {
    char* const arguments[] = {"sh", "-c", "grep -E 'Sig(Blk|Ign)' /proc/self/status", NULL};
    syscall(SYS_execve, "/bin/sh", arguments, environ);
    _exit(99);
  }
  print_child("executed", child);
}
