// SPDX-License-Identifier: Apache-2.0
//
// Threads on stacks that the program brought itself, which it paints and inspects afterwards.
#include "test/victims/victim.h"
#include <sys/mman.h>

int main(void) {
  const size_t size = 256 * 1024;
  for (int i = 0; i < 10; ++i) {
    unsigned char* stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(stack, 0xA5, size);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, stack, size);
    pthread_t thread;
    pthread_create(&thread, &attributes, burn_thread, (void*)20);
    pthread_join(thread, NULL);
    size_t untouched = 0;
    while (stack[untouched] == 0xA5) {
      ++untouched;
    }
    printf("%s\n", untouched > size - 64 * 1024 ? "top used only" : "stack overwritten far down");
    munmap(stack, size);
  }
}
