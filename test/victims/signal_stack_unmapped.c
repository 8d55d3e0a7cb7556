// SPDX-License-Identifier: Apache-2.0
//
// An alternate signal stack that is unmapped while it still is the thread's: no harm to a program to which no
// signal comes any more.
#include "test/victims/victim.h"
#include <sys/mman.h>

enum { kBytes = 64 << 10 };

static void ignore(int number) { (void)number; }

static void* come_and_go(void* unused) {
  char* const memory =
      mmap(NULL, 2 * kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const stack_t stack = {.ss_sp = memory + kBytes, .ss_size = kBytes};
  sigaltstack(&stack, NULL);
  raise(SIGUSR1);
  burn_ms(30);
  munmap(memory, 2 * kBytes);
  burn_ms(100);
  return unused;
}

int main(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = ignore;
  action.sa_flags = SA_ONSTACK;
  sigaction(SIGUSR1, &action, NULL);
  pthread_t thread;
  pthread_create(&thread, NULL, come_and_go, NULL);
  come_and_go(NULL);
  pthread_join(thread, NULL);
  printf("done\n");
  return 8;
}
