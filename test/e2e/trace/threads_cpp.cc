// SPDX-License-Identifier: Apache-2.0
// C++ with otprof.h, its slot exported, the work on a thread of its own.
#define WITH_WORK
#include <otprof.h>

#include <thread>

#include "test/e2e/trace/work.h"

int main() {
  outside_span();
  std::thread([] {
    otprof::SpanScope span(TRACE_ID, SPAN_ID, 1);
    span.set("http.route", "/cpp");
    inside_span();
  }).join();
  outside_span();
}
