// SPDX-License-Identifier: Apache-2.0
//
// What threads are called, read from /proc when their samples arrive and kept for a moment. A thread
// that has ended before its first name was read goes by the process's name, which is what a new
// thread starts with. Background thread only.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <string_view>
#include <unordered_map>

namespace otprof::agent {

class ThreadNames {
 public:
  // Names read longer ago than this are read again: programs rename their threads.
  static constexpr std::chrono::milliseconds kFreshFor{1000};

  // Valid until the next call.
  std::string_view of(pid_t tid, std::chrono::steady_clock::time_point now);
  // Forgets all. Call between windows, so that ended threads take no memory.
  void clear() { entries_.clear(); }

 private:
  struct Entry {
    std::string name;
    std::chrono::steady_clock::time_point read_at{};
  };
  std::unordered_map<pid_t, Entry> entries_;
};

}  // namespace otprof::agent
