// SPDX-License-Identifier: Apache-2.0
//
// What the programs of this test have in common, in C and C++: a span in which 150 ms of CPU time are
// spent and 4 MiB stay allocated, and the same without one. Prints nothing.
#pragma once

// NOLINTBEGIN(modernize-*, readability-*, misc-definitions-in-headers)

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TRACE_ID "\x4b\xf9\x2f\x35\x77\xb3\x4d\xa6\xa3\xce\x92\x9d\x0e\x0e\x47\x36"
#define SPAN_ID "\x00\xf0\x67\xaa\x0b\xa9\x02\xb7"

#ifdef __cplusplus
extern "C" {
#endif

static volatile unsigned work_result;

static inline void burn(void) {
  struct timespec now;
  long spent = 0;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  const long start = now.tv_sec * 1000 + now.tv_nsec / 1000000;
  do {
    unsigned x = 1;
    for (int i = 0; i < 30000; ++i) {
      x = x * 1664525u + 1013904223u;
    }
    work_result = x;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    spent = now.tv_sec * 1000 + now.tv_nsec / 1000000 - start;
  } while (spent < 150);
}

__attribute__((noinline, visibility("default"))) void inside_span(void);
__attribute__((noinline, visibility("default"))) void outside_span(void);

#ifdef WITH_WORK
void* volatile kept[2];  // or the compiler leaves the blocks out
void inside_span(void) {
  burn();
  kept[0] = malloc(4 << 20);
  memset((void*)kept[0], 1, 4 << 20);
}
void outside_span(void) {
  burn();
  kept[1] = malloc(4 << 20);
  memset((void*)kept[1], 1, 4 << 20);
}
#endif

#ifdef __cplusplus
}
#endif
// NOLINTEND(modernize-*, readability-*, misc-definitions-in-headers)
