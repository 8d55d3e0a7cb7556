// SPDX-License-Identifier: Apache-2.0
//
// Overwrites the area of arguments and environment, as programs that set their process title do:
// a pointer kept into it is gone.
#include "test/victims/victim.h"

extern char** environ;

int main(int argc, char** argv) {
  char* end = argv[argc - 1] + strlen(argv[argc - 1]) + 1;
  for (char** variable = environ; *variable != NULL; ++variable) {
    if (*variable == end) {
      end += strlen(*variable) + 1;
    }
  }
  static char* empty[] = {NULL};
  environ = empty;
  burn_ms(20);
  memset(argv[0], 'x', (size_t)(end - argv[0]));
  strcpy(argv[0], "a new title");
  burn_ms(450);
  char title[64] = "";
  const int fd = open("/proc/self/cmdline", O_RDONLY);
  read(fd, title, sizeof title - 1);
  printf("%s\n", title);
}
