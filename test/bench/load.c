// SPDX-License-Identifier: Apache-2.0
//
// What the benchmarks run: the same work whatever watches it.
//   load cpu THREADS SECONDS    as many threads, each at the bottom of a stack 30 deep; prints the
//                               CPU seconds that a fixed amount of work took
//   load threads COUNT          makes and joins as many threads, one after another; prints µs each
//   load idle                   waits until standard input ends
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static double seconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

__attribute__((noipa)) static unsigned work(unsigned long rounds) {
  unsigned state = 1;
  for (unsigned long i = 0; i < rounds; ++i) {
    state = state * 1664525u + 1013904223u;
    state ^= state >> 13;
  }
  return state;
}

__attribute__((noipa)) static unsigned descend(int depth, unsigned long rounds) {
  return depth == 0 ? work(rounds) : descend(depth - 1, rounds) + 1u;
}

static void* run_load(void* rounds) {
  volatile unsigned sum = 0;
  for (int i = 0; i < 100; ++i) {
    sum += descend(30, *(unsigned long*)rounds / 100);
  }
  return NULL;
}

static void* do_nothing(void* unused) { return unused; }

int main(int argc, char** argv) {
  pthread_t threads[64];
  if (argc == 4 && strcmp(argv[1], "cpu") == 0) {
    const int count = atoi(argv[2]);
    unsigned long rounds = (unsigned long)(atof(argv[3]) * 400e6);
    for (int i = 0; i < count; ++i) {
      pthread_create(&threads[i], NULL, run_load, &rounds);
    }
    for (int i = 0; i < count; ++i) {
      pthread_join(threads[i], NULL);
    }
    printf("%.6f\n", seconds(CLOCK_PROCESS_CPUTIME_ID));
  } else if (argc == 3 && strcmp(argv[1], "threads") == 0) {
    const int count = atoi(argv[2]);
    const double start = seconds(CLOCK_MONOTONIC);
    for (int i = 0; i < count; ++i) {
      pthread_create(&threads[0], NULL, do_nothing, NULL);
      pthread_join(threads[0], NULL);
    }
    printf("%.3f\n", (seconds(CLOCK_MONOTONIC) - start) / count * 1e6);
  } else if (argc == 2 && strcmp(argv[1], "idle") == 0) {
    char byte;
    puts("ready");
    fflush(stdout);
    return read(STDIN_FILENO, &byte, 1) < 0;
  } else {
    return 2;
  }
  return 0;
}
