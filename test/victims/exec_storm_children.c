// SPDX-License-Identifier: Apache-2.0
//
// Two hundred children, or as many as the argument says, each executing another program at a different moment of a sample period.
#include "test/victims/victim.h"

int main(int argc, char** argv) {
  const int children = argc > 1 ? atoi(argv[1]) : 200;
  int good = 0;
  for (int i = 0; i < children; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      for (volatile int spin = 0; spin < i % 200 * 2000; ++spin) {
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
