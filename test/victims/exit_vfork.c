// SPDX-License-Identifier: Apache-2.0
//
// Children of vfork that end by _exit: their memory is the parent's, which goes on.
#include "test/victims/victim.h"

int main(void) {
  volatile int sum = 0;
  for (volatile int i = 0; i < 60; ++i) {
    const pid_t child = vfork();
    if (child == 0) {
      _exit(i);
    }
    int status = 0;
    waitpid(child, &status, 0);
    sum = sum + WEXITSTATUS(status);
    burn_ms(1);
  }
  printf("sum %d\n", sum);
  fflush(stdout);
  burn_ms(30);
  _exit(sum % 100);
}
