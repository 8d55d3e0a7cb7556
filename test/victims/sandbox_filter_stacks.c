// SPDX-License-Identifier: Apache-2.0
//
// Code that runs on other stacks than its thread's, in a coroutine and in a handler on an alternate stack,
// behind a filter that kills for whatever one might ask about stacks and threads.
#include "test/victims/victim.h"
#include "test/victims/seccomp_filter.h"
#include <setjmp.h>
#include <ucontext.h>

static ucontext_t outside;
static ucontext_t inside;
static jmp_buf to_outside;
static jmp_buf to_inside;
static long burnt;
static char coroutine_stack[64 << 10];
static char handler_stack[64 << 10];

// Without the mask, which setcontext would set.
static void coroutine(void) {
  if (setjmp(to_inside) == 0) {
    swapcontext(&inside, &outside);
  }
  for (;;) {
    burn_ms(10);
    burnt += 10;
    if (setjmp(to_inside) == 0) {
      longjmp(to_outside, 1);
    }
  }
}

static void on_signal(int number) {
  (void)number;
  burn_ms(100);
}

int main(void) {
  const stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof handler_stack};
  sigaltstack(&stack, NULL);
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  action.sa_flags = SA_ONSTACK;
  sigaction(SIGUSR1, &action, NULL);
  getcontext(&inside);
  inside.uc_stack.ss_sp = coroutine_stack;
  inside.uc_stack.ss_size = sizeof coroutine_stack;
  makecontext(&inside, coroutine, 0);
  swapcontext(&outside, &inside);
  printf("before\n");
  fflush(stdout);
  burn_ms(50);
  const long self = getpid();
  const int needed[] = {SYS_read,          SYS_write,        SYS_exit_group, SYS_exit,
                        SYS_rt_sigreturn,  SYS_newfstatat,   SYS_fstat,      SYS_brk,
                        SYS_clock_gettime, SYS_tgkill};
  if (permit_only(needed, sizeof needed / sizeof *needed, SECCOMP_RET_KILL_PROCESS, 0) != 0) {
    skip("no seccomp filters here");
  }
  for (volatile int i = 0; i < 20; ++i) {
    if (setjmp(to_outside) == 0) {
      longjmp(to_inside, 1);
    }
    syscall(SYS_tgkill, self, self, i % 5 == 0 ? SIGUSR1 : 0);
  }
  printf("burnt %ld\n", burnt);
  return 12;
}
