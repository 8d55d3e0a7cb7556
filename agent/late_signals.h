// SPDX-License-Identifier: Apache-2.0
//
// While the agent delays the end of the process, signals may come that would have come too late without it:
// from the program's interval timers, from its user. The program's handlers may be gone by then, or
// its libraries taken down, and a default action would be another end than the program's own. So none is
// let in.
//
// For a process that is about to end for sure. Any thread, signal handlers too.
#pragma once

#include <cstdint>

namespace otprof::agent {

class LateSignals {
 public:
  // This thread takes none; for the others those do nothing whose default action is the end. In children
  // made meanwhile, all do what they would have done.
  LateSignals() noexcept;
  // What has come meanwhile is gone; later ones do what they would have done.
  ~LateSignals() noexcept;
  LateSignals(const LateSignals&) = delete;
  LateSignals& operator=(const LateSignals&) = delete;

  // In a forked child: its dispositions are the program's.
  static void forget_in_child() noexcept;

 private:
  void replace_endings() noexcept;

  std::uint64_t blocked_ = 0;  // by the program
  std::uint64_t pending_ = 0;  // before
  std::uint64_t replaced_ = 0;
};

}  // namespace otprof::agent
