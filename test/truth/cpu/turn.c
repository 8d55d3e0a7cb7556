// SPDX-License-Identifier: Apache-2.0
//
// A module with one part of the program's time, whose name is TURN. All modules made of this file have
// the same layout, so that one can take another's place.
#include <stdint.h>
#include <time.h>

static uint64_t thread_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void TURN(uint64_t end);
void TURN(uint64_t end) {
  do {
    volatile unsigned x = 1;
    for (int i = 0; i < 40000; ++i) {
      x = x * 1664525u + 1013904223u;
    }
  } while (thread_ns() < end);
}
