// SPDX-License-Identifier: Apache-2.0
//
// abort keeps SIGABRT as the cause of death while two threads are sampled.
#include "test/victims/victim.h"

int main(void) {
  pthread_t threads[2];
  for (int i = 0; i < 2; ++i) {
    pthread_create(&threads[i], NULL, burn_thread, (void*)100000);
  }
  burn_ms(30);
  printf("abort\n");
  fflush(stdout);
  abort();
}
