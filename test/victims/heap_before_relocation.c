// SPDX-License-Identifier: Apache-2.0
// Linked to heap_early_library: calls of malloc reach a preloaded library before it is relocated.
#include "test/victims/victim.h"

const char* early_text(void);
void free_early(void);

int main(void) {
  printf("%s\n", early_text());
  free_early();
  for (int i = 0; i < 100000; ++i) {
    free(malloc((size_t)i % 5000));
  }
  return 0;
}
