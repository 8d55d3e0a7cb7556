// SPDX-License-Identifier: Apache-2.0
//
// The environment is passed on untouched: peers flip bits in it or remove themselves.
#include "test/victims/victim.h"

extern char** environ;

int main(void) {
  burn_ms(250);
  static char start[1 << 20];
  const int fd = open("/proc/self/environ", O_RDONLY);
  const ssize_t size = read(fd, start, sizeof start - 1);
  close(fd);
  int same = 0;
  int different = 0;
  char* at = start;
  for (char** variable = environ; *variable != NULL; ++variable) {
    // The order of the kernel's copy is that of environ.
    if (at < start + size && strcmp(*variable, at) == 0) {
      ++same;
    } else {
      ++different;
    }
    at += strlen(at) + 1;
  }
  printf("%d different, %s to compare\n", different, same > 3 ? "enough" : "too few");
  printf("rate: %s\n", getenv("OTPROF_CPU_HZ"));
}
