// SPDX-License-Identifier: Apache-2.0
// A program that brings its own allocator and exports it.
#include "test/victims/victim.h"
#include <malloc.h>
#include <stdint.h>

static _Alignas(16) unsigned char memory[8 << 20];
static size_t used;

void* malloc(size_t size) {
  const size_t at = __atomic_fetch_add(&used, (size + 31) & ~(size_t)15, __ATOMIC_RELAXED);
  if (at + size + 16 > sizeof memory) {
    errno = ENOMEM;
    return NULL;
  }
  *(size_t*)(memory + at) = size;
  return memory + at + 16;
}
void free(void* pointer) { (void)pointer; }
void* calloc(size_t count, size_t size) { return malloc(count * size); }
void* realloc(void* old, size_t size) {
  void* pointer = malloc(size);
  if (pointer != NULL && old != NULL) {
    const size_t before = *(size_t*)((unsigned char*)old - 16);
    memcpy(pointer, old, before < size ? before : size);
  }
  return pointer;
}

int main(void) {
  char* text = malloc(10);
  strcpy(text, "own");
  text = realloc(text, 1000);
  printf("%s %d\n", text, (uintptr_t)text >= (uintptr_t)memory &&
                              (uintptr_t)text < (uintptr_t)memory + sizeof memory);
  free(text);
  // What the C library's has: nothing. Not what somebody else may have made ready.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  printf("%d\n", mallinfo().arena);
  return 0;
}
