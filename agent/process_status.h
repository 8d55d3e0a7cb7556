// SPDX-License-Identifier: Apache-2.0
//
// What /proc/self/status says of the process that the agent must act on. Background thread only.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace otprof::agent {

struct ProcessStatus {
  // A debugger is attached to the main thread (one need not trace all threads, and does not trace
  // ours unless it asked for new ones): each sample would stop it.
  bool is_traced = false;
  // The main thread has ended and no thread is left but the calling one.
  bool is_deserted = false;
};

// What the main thread, which has ended, gave to exit(2). The kernel takes the last thread's for the
// process, so a thread that ends after it must give the same.
int exit_code_of_main_thread();

// The threads of this process that block `signal` at this moment, the calling one excepted; of more
// than `most` threads, only `most` are looked at, evenly spread.
std::vector<pid_t> threads_blocking(int signal, std::size_t most);
bool is_blocking(pid_t tid, int signal);
// The CPU time that a thread has used, in ns; 0 when it has ended.
std::uint64_t cpu_time_of(pid_t tid);

// All false when /proc is not there.
ProcessStatus read_process_status();

}  // namespace otprof::agent
