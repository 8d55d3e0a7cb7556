// SPDX-License-Identifier: Apache-2.0
//
// closefrom and close_range at the start, as daemons do, also with descriptors 0-2.
#include "test/victims/victim.h"

int main(void) {
  burn_ms(20);
  print_fds("at start");
  closefrom(3);
  const int out = fcntl(STDOUT_FILENO, F_DUPFD, 100);
  burn_ms(210);
  close_range(0, 99, 0);
  for (int i = 0; i < 5; ++i) {
    const int fd = open("/dev/null", O_RDWR);
    dprintf(out, "opened %d\n", fd);
    burn_ms(50);
  }
  dup2(out, 1);
  close(out);
  print_fds("at the end");
}
