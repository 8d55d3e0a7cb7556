// SPDX-License-Identifier: Apache-2.0
//
// Stand-in (see README.md): span contexts, and the span of a Context.
#pragma once

// NOLINTBEGIN(readability-identifier-naming, bugprone-unhandled-exception-at-new)

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "test/e2e/trace/opentelemetry/context/runtime_context.h"
#include "test/e2e/trace/opentelemetry/nostd/memory.h"

namespace opentelemetry {
namespace trace {

class TraceId {
 public:
  TraceId() noexcept = default;
  explicit TraceId(const char* bytes) noexcept { std::memcpy(bytes_, bytes, sizeof bytes_); }
  nostd::span<const std::uint8_t, 16> Id() const noexcept {
    return nostd::span<const std::uint8_t, 16>(bytes_);
  }

 private:
  std::uint8_t bytes_[16] = {};
};

class SpanId {
 public:
  SpanId() noexcept = default;
  explicit SpanId(const char* bytes) noexcept { std::memcpy(bytes_, bytes, sizeof bytes_); }
  nostd::span<const std::uint8_t, 8> Id() const noexcept {
    return nostd::span<const std::uint8_t, 8>(bytes_);
  }

 private:
  std::uint8_t bytes_[8] = {};
};

class TraceFlags {
 public:
  std::uint8_t flags() const noexcept { return 1; }
};

class SpanContext {
 public:
  SpanContext() noexcept = default;
  SpanContext(TraceId trace_id, SpanId span_id) noexcept
      : trace_id_(trace_id), span_id_(span_id), is_valid_(true) {}
  const TraceId& trace_id() const noexcept { return trace_id_; }
  const SpanId& span_id() const noexcept { return span_id_; }
  TraceFlags trace_flags() const noexcept { return {}; }
  bool IsValid() const noexcept { return is_valid_; }

 private:
  TraceId trace_id_;
  SpanId span_id_;
  bool is_valid_ = false;
};

class Span {
 public:
  explicit Span(SpanContext context) noexcept : context_(context) {}
  SpanContext GetContext() const noexcept { return context_; }

 private:
  SpanContext context_;
};

inline nostd::shared_ptr<Span> GetSpan(const context::Context& context) noexcept {
  const auto span = std::static_pointer_cast<Span>(context.value());
  return span ? span : std::make_shared<Span>(SpanContext());
}

// The SDK makes the active span of a scope so: a Context that holds it, attached.
inline context::Context SetSpan(const context::Context&, nostd::shared_ptr<Span> span) noexcept {
  return context::Context(std::move(span));
}

}  // namespace trace
}  // namespace opentelemetry
// NOLINTEND(readability-identifier-naming, bugprone-unhandled-exception-at-new)
