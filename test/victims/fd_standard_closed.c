// SPDX-License-Identifier: Apache-2.0
//
// Started with descriptors 0-2 closed: the files the program opens get these numbers, and nothing
// else may be written there.
#include "test/victims/victim.h"

int main(int argc, char** argv) {
  if (argc == 1) {
    dup2(STDOUT_FILENO, 20);
    for (int fd = 0; fd < 3; ++fd) {
      close(fd);
    }
    execl("/proc/self/exe", argv[0], "closed", (char*)NULL);
    return 1;
  }
  const int first = open("in", O_RDWR | O_CREAT, 0600);
  const int second = open("out", O_RDWR | O_CREAT, 0600);
  const int third = open("errors", O_RDWR | O_CREAT, 0600);
  burn_ms(250);
  char text[100] = "";
  const ssize_t in_out = pread(second, text, sizeof text, 0);
  const ssize_t in_errors = pread(third, text, sizeof text, 0);
  dprintf(20, "got %d %d %d; holding %zd and %zd bytes\n", first, second, third, in_out, in_errors);
  return 23;
}
