// SPDX-License-Identifier: Apache-2.0
#include "tools/child_process.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>

#include "tools/input_error.h"

namespace otprof::tools {
namespace {

// SIGTSTP, SIGTTIN and SIGTTOU are not here: the terminal stops us together with the child.
constexpr int kPassedOn[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

}  // namespace

SignalState::SignalState() {
  sigemptyset(&awaited_);
  for (const int signal : kPassedOn) sigaddset(&awaited_, signal);
  sigaddset(&awaited_, SIGCHLD);
  pthread_sigmask(SIG_BLOCK, &awaited_, &mask_);
  sigaction(SIGPIPE, nullptr, &pipe_);
  // A parent that ignores SIGCHLD cannot wait for its children.
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  sigaction(SIGCHLD, &standard, &child_);
}

void SignalState::restore() const {
  sigaction(SIGPIPE, &pipe_, nullptr);
  sigaction(SIGCHLD, &child_, nullptr);
  pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
}

ChildResult ChildProcess::start(const std::vector<std::string>& command,
                                const std::vector<std::string>& environment) {
  const std::vector<char*> arguments = pointers(command);
  const std::vector<char*> variables = pointers(environment);
  // The pipe is closed by a successful exec and carries errno of a failed one.
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) throw InputError("cannot make a pipe");
  pid_ = fork();
  if (pid_ < 0) throw InputError("cannot start a process");
  if (pid_ == 0) {
    signals_.restore();
    execvpe(arguments[0], arguments.data(), variables.data());
    const int error = errno;
    [[maybe_unused]] const ssize_t written = write(report[1], &error, sizeof error);
    _exit(127);
  }
  close(report[1]);
  ChildResult result;
  ssize_t size = 0;
  do {
    size = read(report[0], &result.error, sizeof result.error);
  } while (size < 0 && errno == EINTR);
  close(report[0]);
  result.started = size != sizeof result.error;
  if (!result.started) waitpid(pid_, &result.status, 0);
  return result;
}

ChildResult ChildProcess::wait(int interval_ms, const std::function<void()>& tick) {
  ChildResult result{.started = true};
  const timespec interval{.tv_sec = interval_ms / 1000,
                          .tv_nsec = static_cast<long>(interval_ms % 1000) * 1'000'000};
  while (waitpid(pid_, &result.status, WNOHANG) != pid_) {
    siginfo_t info{};
    const int signal = sigtimedwait(&signals_.awaited(), &info, &interval);
    if (signal < 0) {
      tick();
    } else if (signal != SIGCHLD && info.si_code != SI_KERNEL) {
      // SI_KERNEL: typed at the terminal, whose whole process group has got it already.
      kill(pid_, signal);
    }
  }
  return result;
}

void exit_like(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    const int signal = WTERMSIG(wait_status);
    const rlimit no_core{};
    setrlimit(RLIMIT_CORE, &no_core);
    struct sigaction standard {};
    standard.sa_handler = SIG_DFL;
    sigaction(signal, &standard, nullptr);
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, signal);
    raise(signal);
    pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
    std::_Exit(128 + signal);  // a signal that does not end a process, in this kernel
  }
  std::_Exit(WEXITSTATUS(wait_status));
}

}  // namespace otprof::tools
