// SPDX-License-Identifier: Apache-2.0
//
// Runs out of stack: SIGSEGV kills it, or its handler on an alternate stack is called, as it
// would be alone.
#include "test/victims/victim.h"
#include <sys/resource.h>

static void on_fault(int number) {
  (void)number;
  write(STDOUT_FILENO, "overflow caught\n", 16);
  _exit(31);
}

static __attribute__((noinline)) long down(long depth) {
  volatile char frame[512];
  frame[0] = (char)depth;
  return down(depth + 1) + frame[0];
}

int main(void) {
  static char area[65536];
  burn_ms(20);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    return (int)down(0);
  }
  print_child("no handler", child);
  child = fork();
  if (child == 0) {
    stack_t stack;
    memset(&stack, 0, sizeof stack);
    stack.ss_sp = area;
    stack.ss_size = sizeof area;
    sigaltstack(&stack, NULL);
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_flags = SA_ONSTACK;
    action.sa_handler = on_fault;
    sigaction(SIGSEGV, &action, NULL);
    return (int)down(0);
  }
  print_child("handler", child);
  return (int)down(0);
}
