// SPDX-License-Identifier: Apache-2.0
//
// What the tests of what is sent profile besides programs from Debian: program MODE [ARGUMENTS]
//
//   deep LEVELS          burns CPU time below that many calls
//   libraries FILE...    loads each, burns CPU time in it, unloads every other one again
//   traced               burns CPU time and allocates within two spans, and outside of them
//   stacks COUNT         allocates once on each of COUNT different stacks, and keeps it
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NOINLINE __attribute__((noinline, noclone))

static volatile unsigned long sink;
static void* kept;

static int64_t cpu_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static NOINLINE void burn(int milliseconds) {
  const int64_t until = cpu_ns() + milliseconds * 1000000LL;
  while (cpu_ns() < until) {
    for (unsigned long i = 0; i < 20000; ++i) sink += i * i;
  }
}

static NOINLINE void descend(int levels) {
  if (levels > 0) {
    descend(levels - 1);
  } else {
    burn(600);
  }
  sink += 1;  // no tail call
}

static int use_libraries(int count, char** files) {
  for (int i = 0; i < count; ++i) {
    void* library = dlopen(files[i], RTLD_NOW);
    void (*work)(int) = NULL;
    if (library != NULL) *(void**)&work = dlsym(library, "inputs_work");
    if (work == NULL) {
      fprintf(stderr, "%s\n", dlerror());
      return 1;
    }
    work(15);
    if (i % 2 == 0) dlclose(library);
  }
  return 0;
}

struct context {
  uint8_t trace_id[16];
  uint8_t span_id[8];
  uint8_t valid;
  uint8_t flags;
  uint16_t attributes;
};

static NOINLINE void work_and_allocate(void) {
  burn(250);
  for (int i = 0; i < 2000; ++i) {
    void** block = malloc(1024);
    *block = kept;
    kept = block;
  }
}

static int run_traced(void) {
  // OTEP 4947: defined by the agent; of a thread-local variable dlsym gives this thread's.
  void** const slot = dlsym(RTLD_DEFAULT, "otel_thread_ctx_v1");
  if (slot == NULL) {
    fprintf(stderr, "no otel_thread_ctx_v1: not preloaded\n");
    return 1;
  }
  work_and_allocate();
  for (int span = 1; span <= 2; ++span) {
    struct context context = {.valid = 1, .flags = 1};
    memset(context.trace_id, 0xa0 + span, sizeof context.trace_id);
    memset(context.span_id, 0xb0 + span, sizeof context.span_id);
    *slot = &context;
    work_and_allocate();
    *slot = NULL;
  }
  return 0;
}

static NOINLINE void allocate_at(unsigned path, int levels);
static NOINLINE void left(unsigned path, int levels) {
  allocate_at(path, levels);
  sink += 1;
}
static NOINLINE void right(unsigned path, int levels) {
  allocate_at(path, levels);
  sink += 2;
}
static void allocate_at(unsigned path, int levels) {
  if (levels == 0) {
    void** block = malloc(64);
    *block = kept;
    kept = block;
  } else if (path & 1U) {
    left(path >> 1U, levels - 1);
  } else {
    right(path >> 1U, levels - 1);
  }
  sink += 1;
}

int main(int argc, char** argv) {
  const char* mode = argc > 1 ? argv[1] : "";
  int status = 0;
  if (strcmp(mode, "deep") == 0 && argc == 3) {
    descend(atoi(argv[2]));
  } else if (strcmp(mode, "libraries") == 0) {
    status = use_libraries(argc - 2, argv + 2);
  } else if (strcmp(mode, "traced") == 0) {
    status = run_traced();
  } else if (strcmp(mode, "stacks") == 0 && argc == 3) {
    // Slowly enough for every sample to be taken out of the ring.
    for (int i = 0; i < atoi(argv[2]); ++i) {
      allocate_at((unsigned)i, 17);
      if (i % 500 == 0) nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
  } else {
    fprintf(stderr, "usage: program deep LEVELS | libraries FILE... | traced | stacks COUNT\n");
    status = 2;
  }
  printf("done\n");
  return status;
}
