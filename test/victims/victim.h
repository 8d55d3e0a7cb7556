// SPDX-License-Identifier: Apache-2.0
//
// What victims share. No victim knows of the profiler: each prints what it sees, and run.py compares
// what it printed with and without.
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static inline long thread_cpu_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1000000L + now.tv_nsec / 1000;
}

static volatile unsigned burn_result;

// Uses up CPU time of this thread, nearly all of it outside the kernel: at 1000 samples a second
// each millisecond is one sample.
static inline void burn_ms(long milliseconds) {
  const long end = thread_cpu_us() + milliseconds * 1000;
  do {
    unsigned x = 12345;
    for (int i = 0; i < 30000; ++i) {
      x = x * 1664525u + 1013904223u;
    }
    burn_result = x;
  } while (thread_cpu_us() < end);
}

// Leaves with the status that means "cannot be tried here".
static inline void skip(const char* why) {
  printf("SKIP %s\n", why);
  fflush(stdout);
  _exit(77);
}

// Prints what a child left as its status; returns after it has been waited for.
static inline void print_child(const char* name, pid_t child) {
  int status = 0;
  if (waitpid(child, &status, 0) != child) {
    printf("%s: not waited for: %s\n", name, strerror(errno));
  } else if (WIFEXITED(status)) {
    printf("%s: exit status %d\n", name, WEXITSTATUS(status));
  } else if (WIFSIGNALED(status)) {
    printf("%s: killed by signal %d\n", name, WTERMSIG(status));
  }
  fflush(stdout);
}

// Prints the open file descriptors in order.
static inline void print_fds(const char* when) {
  printf("%s:", when);
  for (int fd = 0; fd < 4096; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0) {
      printf(" %d", fd);
    }
  }
  printf("\n");
  fflush(stdout);
}

static inline void* burn_thread(void* milliseconds) {
  burn_ms((long)(size_t)milliseconds);
  return NULL;
}
