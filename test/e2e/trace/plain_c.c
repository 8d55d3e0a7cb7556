// SPDX-License-Identifier: Apache-2.0
// C with otprof.h, linked without any option: its slot is its own, and not exported.
#define WITH_WORK
#include <otprof.h>

#include "test/e2e/trace/work.h"

static void request(void) {
  OTPROF_SPAN(span, TRACE_ID, SPAN_ID);
  otprof_context_set(&span.context, otprof_key("http.route"), "/c", 2);
  inside_span();
}

int main(void) {
  outside_span();
  request();
  outside_span();
  return 0;
}
