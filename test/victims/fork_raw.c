// SPDX-License-Identifier: Apache-2.0
//
// Processes made by the clone system call itself, which no fork handler hears of.
#include "test/victims/victim.h"

int main(void) {
  burn_ms(20);
  for (int i = 0; i < 10; ++i) {
    const pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (child == 0) {
      burn_ms(10);
      printf("child %d\n", i);
      exit(i);
    }
    print_child("raw", child);
  }
  burn_ms(20);
}
