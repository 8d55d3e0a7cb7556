// SPDX-License-Identifier: Apache-2.0
#include "agent/thread_names.h"

#include "agent/proc_file.h"

namespace otprof::agent {
namespace {

std::string name_in(const std::string& path) {
  std::string name = read_small_file(path.c_str(), 64);
  if (!name.empty() && name.back() == '\n') {
    name.pop_back();
  }
  return name;
}

}  // namespace

std::string_view ThreadNames::of(pid_t tid, std::chrono::steady_clock::time_point now) {
  Entry& entry = entries_[tid];
  if (entry.name.empty() || now - entry.read_at >= kFreshFor) {
    std::string name = name_in("/proc/self/task/" + std::to_string(tid) + "/comm");
    if (name.empty() && entry.name.empty()) {
      name = name_in("/proc/self/comm");
    }
    if (!name.empty()) {
      entry.name = std::move(name);
    }
    entry.read_at = now;
  }
  return entry.name;
}

}  // namespace otprof::agent
