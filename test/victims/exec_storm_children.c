// SPDX-License-Identifier: Apache-2.0
//
// Two hundred children, each executing another program at a different moment of a sample period.
#include "test/victims/victim.h"

int main(void) {
  int good = 0;
  for (int i = 0; i < 200; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      for (volatile int spin = 0; spin < i * 2000; ++spin) {
      }
      execl("/bin/true", "true", (char*)NULL);
      _exit(99);
    }
    int status = 0;
    waitpid(child, &status, 0);
    good += status == 0;
  }
  burn_ms(20);
  printf("%d good children\n", good);
}
