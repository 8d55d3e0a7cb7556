// SPDX-License-Identifier: Apache-2.0
//
// The thread-local pointer through which instrumented code tells which trace and span it is in
// (OTEP 4947; standards.md section 5.1). The agent defines it, so that every module's reference
// binds to one slot; an executable's own definition comes first.
#pragma once

extern "C" {
// NULL: no context on this thread. Written by the thread itself only.
[[gnu::visibility("default")]] extern thread_local void* otel_thread_ctx_v1;
}
