// SPDX-License-Identifier: Apache-2.0
//
// Syscall user dispatch: system calls from outside one stretch of code come as SIGSYS while a byte says so, the
// return from a handler of somebody else's among them.
#include "test/victims/victim.h"
#include <sys/prctl.h>
#include <ucontext.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif
enum { kDispatchOn = 1, kAllow = 0, kBlock = 1 };

static volatile char selector = kAllow;
static volatile long dispatched;

static void on_sigsys(int number, siginfo_t* info, void* context) {
  (void)number;
  (void)info;
  selector = kAllow;
  ++dispatched;
  ((ucontext_t*)context)->uc_mcontext.gregs[REG_RAX] = 1234;
}

int main(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_sigsys;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSYS, &action, NULL);
  burn_ms(50);
  free(malloc(1000));  // libc has its memory by now
  if (prctl(PR_SET_SYSCALL_USER_DISPATCH, kDispatchOn, 0L, 0L, &selector) != 0) {
    skip("no syscall user dispatch here");
  }
  long answers = 0;
  for (int i = 0; i < 100; ++i) {
    selector = kBlock;
    unsigned x = 1;
    for (int j = 0; j < 3000000; ++j) {
      x = x * 1664525u + 1013904223u;
    }
    burn_result = x;
    void* volatile block = malloc(1000);
    free(block);
    answers += syscall(SYS_getppid);  // a call of the program's own
  }
  printf("%ld dispatched, answers %ld\n", dispatched, answers);
  return 12;
}
