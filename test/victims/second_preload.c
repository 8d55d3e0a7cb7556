// SPDX-License-Identifier: Apache-2.0
//
// Another library in LD_PRELOAD that puts itself before the same functions and counts.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static int calls;

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*),
                   void* argument) {
  int (*next)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*) =
      (int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*))dlsym(RTLD_NEXT,
                                                                                "pthread_create");
  return next(thread, attributes, body, argument);
}

int sigaction(int number, const struct sigaction* action, struct sigaction* old) {
  int (*next)(int, const struct sigaction*, struct sigaction*) =
      (int (*)(int, const struct sigaction*, struct sigaction*))dlsym(RTLD_NEXT, "sigaction");
  return next(number, action, old);
}

void* malloc(size_t size) {
  static void* (*next)(size_t);
  if (next == NULL) {
    next = (void* (*)(size_t))dlsym(RTLD_NEXT, "malloc");
  }
  __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
  return next(size);
}

__attribute__((destructor)) static void report(void) {
  printf("%s\n", calls >= 100 ? "second library counted" : "second library saw nothing");
}
