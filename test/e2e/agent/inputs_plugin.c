// SPDX-License-Identifier: Apache-2.0
//
// A library whose one function burns CPU time; the tests load many copies of it.
#define _GNU_SOURCE
#include <time.h>

static volatile unsigned long sink;

__attribute__((visibility("default"))) void inputs_work(int milliseconds) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  const long long until = now.tv_sec * 1000000000LL + now.tv_nsec + milliseconds * 1000000LL;
  do {
    for (unsigned long i = 0; i < 20000; ++i) sink += i * i;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  } while (now.tv_sec * 1000000000LL + now.tv_nsec < until);
}
