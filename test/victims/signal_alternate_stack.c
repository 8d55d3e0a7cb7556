// SPDX-License-Identifier: Apache-2.0
//
// An 8 KiB alternate stack: recovery from SIGSEGV by siglongjmp, and handlers that are sampled
// while they run on it.
#include "test/victims/victim.h"
#include <setjmp.h>
#include <sys/mman.h>

static sigjmp_buf back;
static volatile int handled;

static void on_fault(int number) {
  (void)number;
  char used[2048];
  memset(used, 1, sizeof used);
  burn_ms(1);
  siglongjmp(back, 1);
}

static void on_usr1(int number) {
  (void)number;
  char used[1024];
  memset(used, 1, sizeof used);
  burn_ms(5);
  ++handled;
}

int main(void) {
  stack_t stack;
  memset(&stack, 0, sizeof stack);
  stack.ss_size = 8192;
  stack.ss_sp = mmap(NULL, stack.ss_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  sigaltstack(&stack, NULL);
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_flags = SA_ONSTACK;
  action.sa_handler = on_fault;
  sigaction(SIGSEGV, &action, NULL);
  action.sa_handler = on_usr1;
  sigaction(SIGUSR1, &action, NULL);
  char* forbidden = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  volatile int recovered = 0;
  for (volatile int i = 0; i < 100; ++i) {
    if (sigsetjmp(back, 1) == 0) {
      forbidden[0] = 1;
    } else {
      ++recovered;
    }
    raise(SIGUSR1);
  }
  printf("recovered %d, handled %d\n", recovered, handled);
}
