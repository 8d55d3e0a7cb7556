// SPDX-License-Identifier: Apache-2.0
//
// Descriptor numbers are what they would be without a profiler: the first open gives 3, before
// and after an export.
#include "test/victims/victim.h"
#include <sys/socket.h>

int main(void) {
  print_fds("at start");
  printf("first open gives %d\n", open("/dev/null", O_RDONLY));
  burn_ms(250);
  int ends[2];
  if (pipe(ends) == 0) {
    printf("pipe gives %d %d\n", ends[0], ends[1]);
  }
  printf("socket gives %d\n", socket(AF_INET, SOCK_STREAM, 0));
  burn_ms(250);
  printf("dup gives %d\n", dup(1));
  print_fds("at the end");
}
