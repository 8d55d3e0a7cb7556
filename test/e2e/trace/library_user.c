// SPDX-License-Identifier: Apache-2.0
// Works inside a span that a library publishes: one it is linked to, or, given a path, one that it
// opens late, when threads are running already.
#define WITH_WORK
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "test/e2e/trace/work.h"

#ifdef LINKED
extern void in_library_span(void (*work)(void));
#else
#define in_library_span NULL
#endif
static void (*in_span)(void (*work)(void));

static void *work_in_thread(void *go) {
  char byte = 0;
  // Until the library is there, and the profiler has had its quarter of a second to see it.
  if (read(*(int *)go, &byte, 1) == 1) {
    in_span(inside_span);
  }
  return NULL;
}

int main(int argc, char **argv) {
  int go[2];
  pthread_t thread;
  in_span = in_library_span;
  outside_span();
  if (pipe(go) != 0 || pthread_create(&thread, NULL, work_in_thread, &go[0]) != 0) {
    return 1;
  }
  if (argc > 1) {
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    in_span = library == NULL ? NULL
                              : (void (*)(void (*)(void)))dlsym(library, "in_library_span");
    if (in_span == NULL) {
      printf("%s\n", dlerror());
      return 1;
    }
    sleep(1);
  }
  if (write(go[1], "x", 1) != 1) {
    return 1;
  }
  pthread_join(thread, NULL);
  outside_span();
  return 0;
}
