// SPDX-License-Identifier: Apache-2.0
//
// short_threads COUNT ROUNDS: makes COUNT threads, two at a time, each of which spends seven parts of
// its time in one function and three in another. Prints the CPU time of the process, user and kernel,
// and the time of those functions by the precise clock, all in ms. With 0 rounds: what making a thread
// costs.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

static __thread volatile unsigned result;
static long rounds;
static _Atomic long spent_ns;

static long thread_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec * 1000000000L + time.tv_nsec;
}

__attribute__((noinline)) static void spend(long parts) {
  unsigned x = 1;
  for (long i = 0; i < parts * rounds; ++i) {
    x = x * 1664525u + 1013904223u;
  }
  result = x;
}

__attribute__((noinline)) static void spend_seventy(void) {
  spend(7);
  __asm__ volatile("");  // no tail call
}

__attribute__((noinline)) static void spend_thirty(void) {
  spend(3);
  __asm__ volatile("");
}

static void* work(void* argument) {
  if (rounds > 0) {
    const long start = thread_ns();
    spend_seventy();
    spend_thirty();
    spent_ns += thread_ns() - start;
  }
  return argument;
}

static long in_ms(struct timeval time) { return time.tv_sec * 1000 + time.tv_usec / 1000; }

int main(int count, char** arguments) {
  const int threads = count > 2 ? atoi(arguments[1]) : 0;
  rounds = count > 2 ? atol(arguments[2]) : 0;
  for (int made = 0; made < threads; made += 2) {
    pthread_t pair[2];
    for (int i = 0; i < 2; ++i) {
      if (pthread_create(&pair[i], NULL, work, NULL) != 0) {
        return 1;
      }
    }
    for (int i = 0; i < 2; ++i) {
      pthread_join(pair[i], NULL);
    }
  }
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  printf("%ld %ld %ld\n", in_ms(used.ru_utime), in_ms(used.ru_stime), spent_ns / 1000000);
}
