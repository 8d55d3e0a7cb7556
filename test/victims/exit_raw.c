// SPDX-License-Identifier: Apache-2.0
//
// The main thread ends by the exit system call itself, so the process ends with its last thread: an
// agent's thread would keep it alive for ever, or replace its exit status.
#include "test/victims/victim.h"

int main(void) {
  burn_ms(30);
  printf("leaving\n");
  fflush(stdout);
  syscall(SYS_exit, 21);
}
