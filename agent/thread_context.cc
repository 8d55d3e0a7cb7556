// SPDX-License-Identifier: Apache-2.0
//
// Handler side. Calls allowed here: memcpy.
#include "agent/thread_context.h"

#include <cstring>

constinit thread_local void* otel_thread_ctx_v1 = nullptr;

namespace otprof::agent {
namespace {

// Offsets in the record. Its writer is this very thread, interrupted or calling us, so the order in
// which its stores become visible is the order of its instructions.
constexpr std::size_t kSpanId = 16;
constexpr std::size_t kValid = 24;
constexpr unsigned char kUsable = 1;

}  // namespace

TraceContext current_trace_context() noexcept {
  TraceContext context;
  const auto* record =
      static_cast<const unsigned char*>(*const_cast<void* volatile*>(&otel_thread_ctx_v1));
  if (record == nullptr ||
      *(const_cast<const volatile unsigned char*>(record) + kValid) != kUsable) {
    return context;
  }
  std::memcpy(context.trace_id.data(), record, context.trace_id.size());
  std::memcpy(context.span_id.data(), record + kSpanId, context.span_id.size());
  return context;
}

}  // namespace otprof::agent
