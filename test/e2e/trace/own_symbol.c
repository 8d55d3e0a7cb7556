// SPDX-License-Identifier: Apache-2.0
// A program that knows nothing of libotprof: it defines and exports the slot itself, as the standard
// says, and writes the record by hand. With custom labels beside it.
#define WITH_WORK
#include <stddef.h>
#include <stdint.h>

#include "test/e2e/trace/work.h"

__attribute__((visibility("default"))) __thread void *otel_thread_ctx_v1 = NULL;

struct text {
  size_t size;
  const char *bytes;
};
struct label_set {
  const struct text *storage;  // key, value, key, value
  size_t count;
  size_t capacity;
};
__attribute__((visibility("default"))) const uint32_t custom_labels_abi_version = 1;
__attribute__((visibility("default"))) __thread struct label_set *custom_labels_current_set = NULL;

int main(void) {
  static unsigned char record[28];
  static const struct text texts[] = {{10, "http.route"}, {4, "/own"}};
  static struct label_set labels = {texts, 1, 1};
  outside_span();
  memcpy(record, TRACE_ID SPAN_ID, 24);
  record[24] = 1;
  otel_thread_ctx_v1 = record;
  custom_labels_current_set = &labels;
  inside_span();
  custom_labels_current_set = NULL;
  otel_thread_ctx_v1 = NULL;
  outside_span();
  return 0;
}
