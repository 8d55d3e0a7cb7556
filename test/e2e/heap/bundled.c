// SPDX-License-Identifier: Apache-2.0
// Prints what tells the allocators apart: how much room there is in a block of 5000 bytes.
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

int main(void) {
  void* block = malloc(5000);
  printf("%zu\n", malloc_usable_size(block));
  free(block);
  return 0;
}
