// SPDX-License-Identifier: Apache-2.0
//
// The walker that OTPROF_UNWINDER names, for both profilers. Ordinary threads only; what it returns
// may be called wherever agent/unwind/unwinder.h says.
#pragma once

#include "agent/options.h"
#include "agent/unwind/unwinder.h"

namespace otprof::agent {

// Does what the walker needs to have done once before its first walk.
unwind::Walker prepare_walker(const Options& options);

}  // namespace otprof::agent
