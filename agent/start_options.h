// SPDX-License-Identifier: Apache-2.0
//
// What is asked of the agent in this process, found out once before anything is started, and what has to
// be said about it. On the main thread, in the library's constructor.
#pragma once

#include "agent/options.h"

namespace otprof::agent {

// The options of the environment, with absolute paths; opens the log, and tells what was wrong with them.
Options options_at_start(const char* const* environment);

// Whether OTPROF_SAMPLING=ratio profiles this process: drawn anew by each call. Forked children are what
// their parent is.
bool is_chosen(const SamplingWish& wish);

// Tells who serves malloc, if OTPROF_ALLOCATOR asks for it. The choice was made with the first allocation of
// the process, if the program's malloc comes by at all.
void tell_of_allocator(const Options& options);

}  // namespace otprof::agent
