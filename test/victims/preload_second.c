// SPDX-License-Identifier: Apache-2.0
//
// A second library in LD_PRELOAD that interposes the same functions: both see the calls.
#include "test/victims/victim.h"

int main(void) {
  for (int i = 0; i < 100; ++i) {
    void* volatile block = malloc((size_t)i);
    free(block);
  }
  signal(SIGUSR1, SIG_IGN);
  pthread_t thread;
  pthread_create(&thread, NULL, burn_thread, (void*)50);
  pthread_join(thread, NULL);
  burn_ms(50);
  printf("done\n");
}
