// SPDX-License-Identifier: Apache-2.0
//
// spans MS: spends MS milliseconds of CPU time within a span, and then as many outside of any, in two
// functions, and allocates in both. Defines the slot of the thread context itself.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

__thread void* otel_thread_ctx_v1;

static long cpu_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static volatile unsigned result;

__attribute__((noinline)) static void spend(long milliseconds) {
  const long end = cpu_ms() + milliseconds;
  while (cpu_ms() < end) {
    void* volatile block = malloc(64 << 10);
    unsigned x = 1;
    for (int i = 0; i < 30000; ++i) {
      x = x * 1664525u + 1013904223u;
    }
    result = x;
    free(block);
  }
}

__attribute__((noinline)) static void within_span(long milliseconds) {
  spend(milliseconds);
  __asm__ volatile("");  // no tail call
}

__attribute__((noinline)) static void outside_span(long milliseconds) {
  spend(milliseconds);
  __asm__ volatile("# outside");  // not the same code as the other
}

int main(int count, char** arguments) {
  const long milliseconds = count > 1 ? atol(arguments[1]) : 0;
  static const unsigned char record[28] = {1,  2,  3,  4, 5, 6, 7, 8, 9, 10, 11, 12, 13,
                                           14, 15, 16, 1, 2, 3, 4, 5, 6, 7,  8,  1};
  otel_thread_ctx_v1 = (void*)record;
  within_span(milliseconds);
  otel_thread_ctx_v1 = NULL;
  outside_span(milliseconds);
  puts("done");
}
