// SPDX-License-Identifier: Apache-2.0
// bundled [report]: prints what tells the allocators apart: how much room there is in a block of 5000 bytes. With an
// argument, how many MiB are told to be in use with 64 MiB of blocks and without them, how many are resident
// before and after malloc_trim(), and what that returns.
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { kBlocks = 65536 };

static unsigned resident(void) {
  unsigned pages = 0;
  FILE* file = fopen("/proc/self/statm", "r");
  if (fscanf(file, "%*u %u", &pages) != 1) {
    pages = 0;
  }
  fclose(file);
  return pages / 256;
}

static void report(void) {
  static char* blocks[kBlocks];
  for (int i = 0; i < kBlocks; ++i) {
    blocks[i] = malloc(1000);
    memset(blocks[i], 1, 1000);
  }
  const unsigned used = (unsigned)(mallinfo2().uordblks >> 20);
  for (int i = 0; i < kBlocks; ++i) {
    free(blocks[i]);
  }
  const unsigned before = resident();
  const int trimmed = malloc_trim(0);
  printf("%u %u %u %u %d\n", used, (unsigned)(mallinfo2().uordblks >> 20), before, resident(),
         trimmed);
}

int main(int argc, char** argv) {
  (void)argv;
  if (argc > 1) {
    report();
    return 0;
  }
  void* block = malloc(5000);
  printf("%zu\n", malloc_usable_size(block));
  free(block);
  return 0;
}
