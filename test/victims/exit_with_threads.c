// SPDX-License-Identifier: Apache-2.0
//
// main returns while eight threads go on burning: samples arrive until the very end.
#include "test/victims/victim.h"

static void* forever(void* unused) {
  for (;;) {
    burn_ms(1000);
  }
  return unused;
}

int main(void) {
  for (int i = 0; i < 8; ++i) {
    pthread_t thread;
    pthread_create(&thread, NULL, forever, NULL);
  }
  burn_ms(50);
  printf("main returns\n");
  return 3;
}
