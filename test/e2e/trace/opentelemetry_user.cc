// SPDX-License-Identifier: Apache-2.0
// Spans as an application of opentelemetry-cpp begins and ends them, published by the adapter: nested,
// with labels in between, ended in the wrong order, on a thread of their own.
#define WITH_WORK
#include <otprof_opentelemetry.h>

#include <cstdio>
#include <cstring>
#include <thread>
#include <utility>

#include "test/e2e/trace/work.h"

namespace context = opentelemetry::context;
namespace trace = opentelemetry::trace;

namespace {

opentelemetry::nostd::unique_ptr<context::Token> begin(const char* trace_id, const char* span_id) {
  const auto span = std::make_shared<trace::Span>(
      trace::SpanContext(trace::TraceId(trace_id), trace::SpanId(span_id)));
  return context::RuntimeContext::Attach(
      trace::SetSpan(context::RuntimeContext::GetCurrent(), span));
}

bool is_current(const char* span_id) {
  const auto* current = static_cast<const unsigned char*>(otprof_current());
  return span_id == nullptr ? current == nullptr
                            : current != nullptr && std::memcmp(current + 16, span_id, 8) == 0;
}

void expect(bool holds, int line) {
  if (!holds) std::printf("line %d\n", line);
}
#define EXPECT(what) expect(what, __LINE__)

void requests() {
  constexpr const char* kOther = "\1\1\1\1\1\1\1\1";
  EXPECT(is_current(nullptr));
  {
    const auto outer = begin(TRACE_ID, kOther);
    EXPECT(is_current(kOther));
    const otprof::LabelScope label("http.route", "/sdk");
    {
      const auto inner = begin(TRACE_ID, SPAN_ID);
      EXPECT(is_current(SPAN_ID));
      inside_span();
    }
    EXPECT(is_current(kOther) &&
           static_cast<const otprof_context*>(otprof_current())->attribute_bytes ==
               (otprof_key("x") < 0 ? 0 : 6));
  }
  EXPECT(is_current(nullptr));
  auto first = begin(TRACE_ID, kOther);
  auto second = begin(TRACE_ID, SPAN_ID);
  first.reset();  // takes the inner one with it, as the SDK does
  EXPECT(is_current(nullptr));
  second.reset();
  EXPECT(is_current(nullptr));
}

}  // namespace

int main() {
  otprof::publish_opentelemetry_spans();
  outside_span();
  std::thread(requests).join();
  EXPECT(is_current(nullptr));
  outside_span();
}
