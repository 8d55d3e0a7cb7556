// SPDX-License-Identifier: Apache-2.0
// A program with an SDK that publishes the names of its attribute keys in a process context (OTEP
// 4719), and uses keys by their position there, as SDKs do. Knows nothing of libotprof.
#define WITH_WORK
#define _GNU_SOURCE
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "test/e2e/trace/work.h"

__attribute__((visibility("default"))) __thread void *otel_thread_ctx_v1 = NULL;

struct header {
  char signature[8];
  uint32_t version;
  uint32_t payload_size;
  uint64_t published_at;
  const void *payload;
};

// Field `number` of a protobuf message: bytes of at most 127.
static size_t put(unsigned char *to, int number, const void *bytes, size_t size) {
  to[0] = (unsigned char)(number << 3 | 2);
  to[1] = (unsigned char)size;
  memcpy(to + 2, bytes, size);
  return size + 2;
}

static void publish(void) {
  static unsigned char payload[256];
  unsigned char names[100], list[110], pair[126];
  size_t size = 0;
  const char *keys[] = {"unused", "http.route"};
  for (int i = 0; i < 2; ++i) {
    unsigned char text[40];
    size += put(names + size, 1, text, put(text, 1, keys[i], strlen(keys[i])));
  }
  size = put(list, 5, names, size);
  const char key[] = "threadlocal.attribute_key_map";
  size_t used = put(pair, 1, key, sizeof key - 1);
  used += put(pair + used, 2, list, size);
  size = put(payload, 2, pair, used);

  struct timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  const int file = memfd_create("OTEL_CTX", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (file < 0 || ftruncate(file, 4096) != 0) {
    _exit(1);
  }
  struct header *header = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
  close(file);
  memcpy(header->signature, "OTEL_CTX", 8);
  header->version = 2;
  header->payload_size = (uint32_t)size;
  header->payload = payload;
  __atomic_store_n(&header->published_at,
                   (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec, __ATOMIC_SEQ_CST);
  prctl(0x53564d41, 0, header, 4096, "OTEL_CTX");
}

int main(void) {
  static unsigned char record[28 + 2 + 10];
  publish();
  outside_span();
  memcpy(record, TRACE_ID SPAN_ID, 24);
  record[26] = 12;
  memcpy(record + 28, "\1\12/published", 12);
  record[24] = 1;
  otel_thread_ctx_v1 = record;
  inside_span();
  otel_thread_ctx_v1 = NULL;
  outside_span();
  return 0;
}
