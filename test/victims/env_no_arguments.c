// SPDX-License-Identifier: Apache-2.0
//
// Started with an empty argument list and an empty environment.
#include "test/victims/victim.h"

int main(int argc, char** argv) {
  if (argc != 1 || argv[0][0] != '\0') {
    burn_ms(30);
    char* none[] = {NULL};
    fflush(stdout);
    execve("/proc/self/exe", none, none);
    return 1;
  }
  burn_ms(30);
  printf("argc %d, first '%s'\n", argc, argv[0]);
}
