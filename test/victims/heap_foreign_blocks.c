// SPDX-License-Identifier: Apache-2.0
// Blocks that libc's malloc gave out itself, by names that no allocator replaces, are freed, moved and measured by
// the public functions: they must come back to libc, whoever serves the program otherwise.
#include <malloc.h>

#include "test/victims/victim.h"

void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
void* reallocarray(void* pointer, size_t count, size_t size);

enum { kBlocks = 2000 };

static void* exchange(void* unused) {
  static const size_t sizes[] = {1, 24, 1000, 5000, 200000, 3000000};
  size_t wrong = 0;
  for (int i = 0; i < kBlocks; ++i) {
    const size_t size = sizes[i % 6];
    unsigned char* block = i % 3 == 0   ? __libc_malloc(size)
                           : i % 3 == 1 ? __libc_calloc(1, size)
                                        : __libc_memalign(64, size);
    memset(block, i & 0x7f, size);
    wrong += malloc_usable_size(block) < size;
    free(malloc(size));
    if (i % 2 == 0) {
      block = realloc(block, 2 * size);
    } else {
      block = reallocarray(block, size, 3);
    }
    wrong += block[0] != (i & 0x7f) || block[size - 1] != (i & 0x7f);
    errno = 11;
    free(block);
    wrong += errno != 11;
  }
  free(realloc(__libc_malloc(10), 0));
  *(size_t*)unused += wrong;
  return NULL;
}

int main(void) {
  size_t wrong = 0;
  exchange(&wrong);
  for (int i = 0; i < 4; ++i) {
    pthread_t thread;
    pthread_create(&thread, NULL, exchange, &wrong);
    pthread_join(thread, NULL);
  }
  printf("wrong: %zu\n", wrong);
  return 0;
}
