// SPDX-License-Identifier: Apache-2.0
//
// A prefork server: workers share a pipe of work, the parent replaces each that ends.
#include "test/victims/victim.h"

static pid_t start_worker(const int* work, const int* results) {
  fflush(stdout);
  const pid_t child = fork();
  if (child != 0) {
    return child;
  }
  char item = 0;
  for (int served = 0; served < 5 && read(work[0], &item, 1) == 1; ++served) {
    burn_ms(3);
    write(results[1], &item, 1);
  }
  exit(0);
}

int main(void) {
  int work[2];
  int results[2];
  if (pipe(work) != 0 || pipe(results) != 0) {
    return 1;
  }
  for (int i = 0; i < 60; ++i) {
    write(work[1], "x", 1);
  }
  int running = 0;
  int workers = 0;
  for (int total = 0; workers < 12; ++workers) {
    start_worker(work, results);
    if (++running == 4) {
      waitpid(-1, NULL, 0);
      --running;
    }
    burn_ms(2);
    total += 1;
  }
  while (running-- > 0) {
    waitpid(-1, NULL, 0);
  }
  char buffer[100];
  printf("%d workers served %zd items\n", workers, read(results[0], buffer, sizeof buffer));
}
