// SPDX-License-Identifier: Apache-2.0
//
// RLIMIT_NOFILE of 10: the program gets every one of them and then EMFILE, as it would alone.
#include "test/victims/victim.h"
#include <sys/resource.h>

int main(void) {
  const struct rlimit limit = {10, 10};
  setrlimit(RLIMIT_NOFILE, &limit);
  burn_ms(220);
  int opened = 0;
  while (open("/dev/null", O_RDONLY) >= 0) {
    ++opened;
  }
  printf("%d opened, then %s\n", opened, strerror(errno));
  pthread_t thread;
  pthread_create(&thread, NULL, burn_thread, (void*)220);
  pthread_join(thread, NULL);
  close(9);
  printf("freed one: %d\n", open("/dev/null", O_RDONLY));
}
