// SPDX-License-Identifier: Apache-2.0
//
// The threads this process has right now, however they were made. Background thread only.
#pragma once

#include <sys/types.h>

#include <vector>

namespace otprof::cpu {

// Kernel thread ids in the process's own pid namespace; empty when /proc is not there.
std::vector<pid_t> threads_of_process();

}  // namespace otprof::cpu
