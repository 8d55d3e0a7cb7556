// SPDX-License-Identifier: Apache-2.0
//
// While the agent delays the end of the process, signals may come that would have come too late without it:
// from the program's interval timers, from its user. The program's handlers may be gone by then, or
// its libraries taken down, and a default action would be another end than the program's own. So none is
// let in.
//
// For a process that is about to end for sure. Any thread, signal handlers too.
#pragma once

#include <array>
#include <cstdint>

namespace otprof::agent {

class LateSignals {
 public:
  // This thread takes none; for the others those are ignored whose default action is the end.
  LateSignals() noexcept;
  // What has come meanwhile is gone; later ones do what they would have done.
  ~LateSignals() noexcept;
  LateSignals(const LateSignals&) = delete;
  LateSignals& operator=(const LateSignals&) = delete;

 private:
  static constexpr int kSignals = 64;
  // What rt_sigaction(2) takes and gives.
  struct Action {
    std::uintptr_t handler = 0;
    unsigned long flags = 0;
    std::uintptr_t restorer = 0;
    std::uint64_t mask = 0;
  };

  void ignore_endings() noexcept;

  std::uint64_t blocked_ = 0;  // by the program
  std::uint64_t pending_ = 0;  // before
  std::uint64_t ignored_ = 0;  // by this; their actions:
  std::array<Action, kSignals + 1> actions_{};
};

}  // namespace otprof::agent
