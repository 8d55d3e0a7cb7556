// SPDX-License-Identifier: Apache-2.0
//
// SIGHUP, SIGINT and SIGTERM, as long as their default action is in force: the agent hears of them
// before they end the process. For files of interpose/ only; any thread and any signal handler.
#pragma once

#include <signal.h>

namespace otprof::interpose {

// What the program asks for with sigaction() is put between the two: if it is the default action the
// kernel gets a handler of ours instead, whose effect is that of the default action.
class EndSignalRequest {
 public:
  // `action` may be null.
  EndSignalRequest(int signal, const struct sigaction* action) noexcept;

  // True when the kernel is to be asked for action() by us, and not for the program's.
  bool is_ours() const noexcept { return is_ours_; }
  const struct sigaction* action() const noexcept { return &ours_; }
  // After the kernel has been asked: what the program is to see. `old` may be null.
  void granted(struct sigaction* old) const noexcept;

 private:
  int signal_;
  bool is_ours_ = false;
  struct sigaction ours_ {};
  struct sigaction asked_ {};
};

bool is_end_signal(int signal) noexcept;
// A handler that the kernel reports, as the program is to see it.
sighandler_t as_seen(sighandler_t handler) noexcept;

}  // namespace otprof::interpose
