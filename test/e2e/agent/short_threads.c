// SPDX-License-Identifier: Apache-2.0
//
// short_threads COUNT ROUNDS: makes COUNT threads, two at a time, each of which spends seven parts of
// its time in one function and three in another. Prints the CPU time of the process, user and kernel,
// and the user time of those threads as the kernel counted it in ticks, all in ms. With 0 rounds: what
// making a thread costs.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static __thread volatile unsigned result;
static long rounds;
static _Atomic long ticked_ns;

// A thread's user time in whole ticks: the kernel's number for that clock.
static long own_ticked_ns(void) {
  struct timespec time = {0, 0};
  syscall(SYS_clock_gettime, ~(unsigned)gettid() << 3 | 5, &time);
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
  spend_seventy();
  spend_thirty();
  if (rounds > 0) {
    ticked_ns += own_ticked_ns();
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
  printf("%ld %ld %ld\n", in_ms(used.ru_utime), in_ms(used.ru_stime), ticked_ns / 1000000);
}
