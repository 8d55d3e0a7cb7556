// SPDX-License-Identifier: Apache-2.0
//
// Standard error is closed and its number given to a data file: log lines of peers end up in the
// data.
#include "test/victims/victim.h"

int main(void) {
  burn_ms(20);
  close(STDERR_FILENO);
  printf("data file is %d\n", open("data", O_RDWR | O_CREAT | O_TRUNC, 0600));
  write(2, "data", 4);
  pthread_t thread;
  pthread_create(&thread, NULL, burn_thread, (void*)300);
  pthread_join(thread, NULL);
  signal(SIGTRAP, SIG_DFL);
  burn_ms(300);
  char text[100] = "";
  printf("%zd bytes: %s\n", pread(2, text, sizeof text - 1, 0), text);
}
