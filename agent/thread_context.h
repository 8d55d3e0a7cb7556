// SPDX-License-Identifier: Apache-2.0
//
// The thread-local pointer through which instrumented code tells which trace and span it is in
// (OTEP 4947; standards.md section 5.1). The agent defines it, so that every module's reference
// binds to one slot; an executable's own definition comes first.
#pragma once

#include <array>
#include <cstdint>

extern "C" {
// NULL: no context on this thread. Written by the thread itself only.
[[gnu::visibility("default")]] extern constinit thread_local void* otel_thread_ctx_v1;
}

namespace otprof::agent {

struct TraceContext {
  std::array<std::uint8_t, 16> trace_id{};  // W3C byte order; zeros: none
  std::array<std::uint8_t, 8> span_id{};
};

// The context the current thread has published, all zeros if it has none or is just changing it.
// From a signal handler or a malloc hook on that thread, at any instruction of the writer; reads no
// further than the record's fixed 28 bytes. The thread must have a libc control block.
TraceContext current_trace_context() noexcept;

}  // namespace otprof::agent
