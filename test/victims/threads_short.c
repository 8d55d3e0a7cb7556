// SPDX-License-Identifier: Apache-2.0
//
// Twenty thousand threads that live less than a sample period.
#include "test/victims/victim.h"

static void* count(void* total) { return (void*)((size_t)total + 1); }

int main(void) {
  size_t total = 0;
  for (int i = 0; i < 20000; ++i) {
    pthread_t thread;
    void* result = NULL;
    if (pthread_create(&thread, NULL, count, (void*)total) != 0) {
      printf("not created: %s\n", strerror(errno));
      return 1;
    }
    pthread_join(thread, &result);
    total = (size_t)result;
  }
  burn_ms(10);
  printf("%zu\n", total);
}
