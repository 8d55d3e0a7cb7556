// SPDX-License-Identifier: Apache-2.0
// A library with an IFUNC resolver that allocates: it runs while the loader has not relocated the
// preloaded libraries yet.
#include <stdlib.h>
#include <string.h>

static char* early;

static const char* text(void) { return early; }

static const char* (*resolve_text(void))(void) {
  early = calloc(1, 100);
  char* scratch = malloc(5000);
  memset(scratch, 1, 5000);
  free(scratch);
  scratch = realloc(malloc(10), 100000);
  free(scratch);
  memcpy(early, "early", 6);
  return text;
}

const char* early_text(void) __attribute__((ifunc("resolve_text")));
void free_early(void) { free(early); }
