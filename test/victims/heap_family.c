// SPDX-License-Identifier: Apache-2.0
// Every allocation function, with usual, odd and impossible arguments: results and errno.
#include <malloc.h>
#include <stdint.h>

#include "test/victims/victim.h"

void* reallocarray(void* pointer, size_t count, size_t size);

static void show(const char* what, void* pointer, size_t size, size_t alignment) {
  const int error = errno;
  if (pointer == NULL) {
    printf("%s: null, errno %d\n", what, error);
    return;
  }
  memset(pointer, 0xa5, size);
  printf("%s: aligned to %zu: %d, room for %zu: %d, errno %d\n", what, alignment,
         (uintptr_t)pointer % alignment == 0, size, malloc_usable_size(pointer) >= size, error);
}

// Not in every libc; where they are, they take what any of the others gave.
void free_sized(void* pointer, size_t size) __attribute__((weak));
void free_aligned_sized(void* pointer, size_t alignment, size_t size) __attribute__((weak));

static volatile size_t most = SIZE_MAX;
static volatile size_t too_much = PTRDIFF_MAX;

int main(void) {
  static const size_t sizes[] = {0, 1, 16, 24, 25, 1000, 4096, 131072, 10000000};
  for (int i = 0; i < 9; ++i) {
    const size_t size = sizes[i];
    void* pointer;
    errno = 7;
    show("malloc", pointer = malloc(size), size, 16);
    errno = 8;
    free(pointer);
    printf("free: errno %d\n", errno);
    show("calloc", pointer = calloc(size, 1), size, 16);
    show("realloc larger", pointer = realloc(pointer, size + 5000), size + 5000, 16);
    show("realloc smaller", pointer = realloc(pointer, size + 1), size + 1, 16);
    show("reallocarray", pointer = reallocarray(pointer, size + 3, 3), 3 * size + 9, 16);
    free(pointer);
    show("realloc of null", pointer = realloc(NULL, size), size, 16);
    free(pointer);
    show("memalign", pointer = memalign(256, size), size, 256);
    free(pointer);
    show("aligned_alloc", pointer = aligned_alloc(64, size), size, 64);
    free(pointer);
    show("valloc", pointer = valloc(size), size, 4096);
    free(pointer);
    show("pvalloc", pointer = pvalloc(size), size, 4096);
    free(pointer);
    pointer = NULL;
    errno = 9;
    printf("posix_memalign: %d\n", posix_memalign(&pointer, 512, size));
    show("posix_memalign", pointer, size, 512);
    free(pointer);
  }
  // What calloc returns is zeroed also when the memory was used before.
  size_t not_zero = 0;
  for (int round = 0; round < 100; ++round) {
    unsigned char* used = malloc(3000);
    memset(used, 0xff, 3000);
    free(used);
    unsigned char* zeroed = calloc(1000, 3);
    for (int i = 0; i < 3000; ++i) {
      not_zero += zeroed[i] != 0;
    }
    free(zeroed);
  }
  printf("bytes of calloc that are not zero: %zu\n", not_zero);
  // What realloc keeps.
  unsigned char* kept = malloc(10);
  memset(kept, 0x5a, 10);
  kept = realloc(kept, 100000);
  printf("kept: %d %d\n", kept[0], kept[9]);
  errno = 0;
  printf("too much: %d, errno %d\n", realloc(kept, too_much) == NULL, errno);
  printf("still kept: %d %d\n", kept[0], kept[9]);
  free(kept);
  errno = 0;
  show("malloc of too much", malloc(too_much), 0, 16);
  errno = 0;
  show("malloc of most", malloc(most), 0, 16);
  errno = 0;
  show("calloc that overflows", calloc(most / 2, 3), 0, 16);
  errno = 0;
  show("reallocarray that overflows", reallocarray(NULL, most / 2, 3), 0, 16);
  errno = 0;
  show("memalign to no power", memalign(3, 10), 0, 1);
  errno = 0;
  show("aligned_alloc to no power", aligned_alloc(3, 10), 0, 1);
  errno = 0;
  show("pvalloc of most", pvalloc(most), 0, 16);
  void* untouched = &untouched;
  errno = 0;
  printf("posix_memalign to no power: %d, errno %d", posix_memalign(&untouched, 3, 10), errno);
  printf(", pointer untouched: %d\n", untouched == &untouched);
  printf("posix_memalign of too much: %d", posix_memalign(&untouched, 64, too_much));
  printf(", pointer untouched: %d\n", untouched == &untouched);
  errno = 5;
  free(NULL);
  printf("free of null: errno %d\n", errno);
  printf("usable size of null: %zu\n", malloc_usable_size(NULL));
  for (int i = 0; i < 1000; ++i) {
    void* sized = malloc((size_t)i);
    void* aligned = aligned_alloc(64, 640);
    if (free_sized != NULL && free_aligned_sized != NULL) {
      free_sized(sized, (size_t)i);
      free_aligned_sized(aligned, 64, 640);
    } else {
      free(sized);
      free(aligned);
    }
  }
  void* freed = realloc(malloc(100), 0);
  printf("realloc to nothing: null: %d\n", freed == NULL);
  free(freed);
  return 0;
}
