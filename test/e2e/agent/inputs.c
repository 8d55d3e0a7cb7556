// SPDX-License-Identifier: Apache-2.0
//
// What the tests of what is sent profile besides programs from Debian: program MODE [ARGUMENTS]
//
//   deep LEVELS          burns CPU time below that many calls
//   libraries FILE...    loads each, burns CPU time in it, unloads every other one again
//   gone FILE            loads it, deletes it, burns CPU time in it
//   published [bad]      publishes who it is as an OpenTelemetry SDK does (OTEP 4719), burns CPU time;
//                        bad: the pointer leads nowhere
//   traced               burns CPU time and allocates within two spans, and outside of them
//   stacks COUNT         allocates once on each of COUNT different stacks, and keeps it
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

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

static int use_deleted(const char* file) {
  void (*work)(int) = NULL;
  void* library = dlopen(file, RTLD_NOW);
  if (library != NULL) *(void**)&work = dlsym(library, "inputs_work");
  if (work == NULL || unlink(file) != 0) return 1;
  work(400);
  return 0;
}

static size_t put_field(uint8_t* to, uint8_t key, const void* bytes, size_t size) {
  to[0] = key;  // field number and wire type; sizes stay below 128
  to[1] = (uint8_t)size;
  memcpy(to + 2, bytes, size);
  return size + 2;
}

static size_t put_attribute(uint8_t* to, const char* key, const char* value) {
  uint8_t any_value[100];
  uint8_t pair[100];
  const size_t value_size = put_field(any_value, 0x0a, value, strlen(value));
  const size_t key_size = put_field(pair, 0x0a, key, strlen(key));
  return put_field(to, 0x0a, pair,
                   key_size + put_field(pair + key_size, 0x12, any_value, value_size));
}

struct published {
  char signature[8];
  uint32_t version;
  uint32_t size;
  uint64_t time;
  const void* payload;
};

static int publish_and_burn(int bad) {
  static uint8_t message[256];
  uint8_t resource[200];
  size_t size = put_attribute(resource, "service.name", "published shop");
  size += put_attribute(resource + size, "service.instance.id", "published instance");
  size += put_attribute(resource + size, "telemetry.sdk.name", "opentelemetry");
  const size_t message_size = put_field(message, 0x0a, resource, size);
  const int fd = memfd_create("OTEL_CTX", MFD_CLOEXEC);
  if (fd < 0 || ftruncate(fd, 4096) != 0) return 1;
  struct published* const header = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  close(fd);
  if (header == MAP_FAILED) return 1;
  memcpy(header->signature, "OTEL_CTX", 8);
  header->version = 2;
  header->size = (uint32_t)message_size;
  header->payload = bad ? (const void*)16 : message;
  __atomic_store_n(&header->time, 1000, __ATOMIC_SEQ_CST);
  burn(300);
  return 0;
}

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
  } else if (strcmp(mode, "gone") == 0 && argc == 3) {
    status = use_deleted(argv[2]);
  } else if (strcmp(mode, "published") == 0) {
    status = publish_and_burn(argc == 3);
  } else if (strcmp(mode, "traced") == 0) {
    status = run_traced();
  } else if (strcmp(mode, "stacks") == 0 && argc == 3) {
    // Slowly enough for every sample to be taken out of the ring.
    for (int i = 0; i < atoi(argv[2]); ++i) {
      allocate_at((unsigned)i, 17);
      if (i % 500 == 0) nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
  } else {
    fprintf(stderr,
            "usage: program deep LEVELS | libraries FILE... | gone FILE | published [bad] | traced"
            " | stacks COUNT\n");
    status = 2;
  }
  printf("done\n");
  return status;
}
