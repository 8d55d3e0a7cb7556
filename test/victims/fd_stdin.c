// SPDX-License-Identifier: Apache-2.0
//
// Reads its whole standard input, line by line: a profiler that inherits or reads it steals bytes.
#include "test/victims/victim.h"

int main(void) {
  char line[200];
  int count = 0;
  while (fgets(line, sizeof line, stdin) != NULL) {
    burn_ms(5);
    printf("%d %s", ++count, line);
  }
  printf("end of input: %d\n", feof(stdin));
}
