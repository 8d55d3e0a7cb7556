// SPDX-License-Identifier: Apache-2.0
//
// Closes every descriptor from 3 to 1023, then opens files and writes: peers write their profile
// into the program's file.
#include "test/victims/victim.h"

int main(void) {
  burn_ms(250);
  for (int fd = 3; fd < 1024; ++fd) {
    if (close(fd) == 0) {
      printf("had %d open\n", fd);
    }
  }
  char name[] = "fileN";
  for (int i = 0; i < 10; ++i) {
    name[4] = (char)('0' + i);
    printf("%s is %d\n", name, open(name, O_RDWR | O_CREAT | O_TRUNC, 0600));
  }
  burn_ms(450);
  for (int fd = 3; fd < 13; ++fd) {
    write(fd, "mine\n", 5);
  }
  burn_ms(250);
  for (int fd = 3; fd < 13; ++fd) {
    char text[100] = "";
    const ssize_t size = pread(fd, text, sizeof text - 1, 0);
    printf("%d: %zd bytes, offset %ld: %s", fd, size, (long)lseek(fd, 0, SEEK_CUR), text);
  }
}
