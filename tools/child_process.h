// SPDX-License-Identifier: Apache-2.0
//
// The command that `otprof run` runs: started without a shell, as if the user had typed it without
// otprof in front.
//
// Promises: it has our standard input, output and error, the signal mask and dispositions that we
// were started with, and no other file descriptor of ours; signals that were sent to us alone reach
// it once, those that the terminal sends to the whole process group are not doubled. Main thread.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <functional>
#include <string>
#include <vector>

namespace otprof::tools {

// Signals as they were when the process began; made first thing, before anything changes them, and
// before any thread is started. From then on the signals it passes on are blocked everywhere.
class SignalState {
 public:
  SignalState();
  // For the child between fork and exec; async-signal-safe.
  void restore() const;
  const sigset_t& awaited() const { return awaited_; }

 private:
  sigset_t mask_{};
  sigset_t awaited_{};  // those passed on, and SIGCHLD
  struct sigaction pipe_ {};
  struct sigaction child_ {};
};

struct ChildResult {
  bool started = false;
  int error = 0;   // errno of exec, if not started
  int status = 0;  // as waitpid gives it
};

class ChildProcess {
 public:
  explicit ChildProcess(const SignalState& signals) : signals_(signals) {}

  // `environment`: NAME=VALUE. The result's `started` and `error` are set at once.
  ChildResult start(const std::vector<std::string>& command,
                    const std::vector<std::string>& environment);
  // Passes signals on until the child has ended; calls tick() about once per `interval_ms`.
  ChildResult wait(int interval_ms, const std::function<void()>& tick);
  pid_t pid() const { return pid_; }

 private:
  const SignalState& signals_;
  pid_t pid_ = -1;
};

// Ends this process as the child ended: with its exit status, or by its signal, without a second
// core file.
[[noreturn]] void exit_like(int wait_status);

}  // namespace otprof::tools
