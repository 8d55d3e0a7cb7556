// SPDX-License-Identifier: Apache-2.0
//
// What this system lets a profiler in a process do, found out by trying it on ourselves. Each probe
// is one system call or one small file. Any thread.
#pragma once

#include <string>
#include <vector>

namespace otprof::tools {

struct Finding {
  bool good = false;
  std::string what;     // "perf events with SIGTRAP"
  std::string details;  // what that means, or why it does not work
};

// The kernel, the C library and the sampling engines, in the order of preference.
std::vector<Finding> probe_system();

// What of `program` can be profiled; `name` as on a command line.
Finding probe_program(const std::string& name);

}  // namespace otprof::tools
