// SPDX-License-Identifier: Apache-2.0
//
// _exit from a signal handler that interrupts malloc, thread creation or the loader, and from several
// threads at once: no lock may be waited for that the interrupted code holds.
#include "test/victims/victim.h"
#include <dlfcn.h>

static void on_alarm(int number) {
  (void)number;
  _exit(3);
}

static void* nothing(void* unused) { return unused; }

static void allocate(void) {
  for (;;) {
    free(malloc(100000));
    free(malloc(10));
  }
}
static void make_threads(void) {
  for (;;) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, nothing, NULL) == 0) {
      pthread_join(thread, NULL);
    }
  }
}
static void load(void) {
  for (;;) {
    void* library = dlopen("libm.so.6", RTLD_NOW | RTLD_LOCAL);
    if (library != NULL) {
      dlclose(library);
    }
  }
}
static void* exit_now(void* status) { _exit((int)(size_t)status); }
static void exit_together(void) {
  for (;;) {
    pthread_t thread;
    for (int i = 0; i < 4; ++i) {
      pthread_create(&thread, NULL, exit_now, (void*)3);
    }
    exit_now((void*)3);
  }
}

static void (*const kWork[])(void) = {allocate, make_threads, load, exit_together};

int main(void) {
  for (int round = 0; round < 12; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      signal(SIGALRM, on_alarm);
      ualarm((useconds_t)(15000 + round * 1371), 0);
      kWork[round % 4]();
    }
    print_child("child", child);
  }
  burn_ms(30);
  _exit(8);
}
