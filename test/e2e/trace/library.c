// SPDX-License-Identifier: Apache-2.0
// An SDK's library: publishes a span around a call. Linked in three ways: as it is (the loader binds
// its slot to the one all share); with -Bsymbolic and loaded at the start, or late with TLS
// descriptors: then its slot is its own.
#include <otprof.h>

#include "test/e2e/trace/work.h"

__attribute__((visibility("default"))) void in_library_span(void (*work)(void)) {
  OTPROF_SPAN(span, TRACE_ID, SPAN_ID);
  otprof_context_set(&span.context, otprof_key("http.route"), "/library", 8);
  work();
}
