// SPDX-License-Identifier: Apache-2.0
#include "agent/thread_context.h"

thread_local void* otel_thread_ctx_v1 = nullptr;
