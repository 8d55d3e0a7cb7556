// SPDX-License-Identifier: Apache-2.0
#include "agent/late_signals.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

#include "agent/raw_syscall.h"
#include "agent/unusual_calls.h"
#include "interpose/hooks.h"

namespace otprof::agent {
namespace {

constexpr std::uint64_t bit_of(int signal) noexcept { return std::uint64_t{1} << (signal - 1); }

// Those that a fault of the thread itself brings about, those that stop it or let it go on, and those
// without a default action.
constexpr std::uint64_t kNoEndings =
    bit_of(SIGSEGV) | bit_of(SIGBUS) | bit_of(SIGILL) | bit_of(SIGFPE) | bit_of(SIGSYS) |
    bit_of(SIGABRT) | bit_of(SIGKILL) | bit_of(SIGSTOP) | bit_of(SIGTSTP) | bit_of(SIGTTIN) |
    bit_of(SIGTTOU) | bit_of(SIGCONT) | bit_of(SIGCHLD) | bit_of(SIGURG) | bit_of(SIGWINCH);

// One for each entry, the directory's own two, and the agent's. Unknown without /proc.
bool has_one_thread() noexcept {
  struct stat tasks {};
  return raw_syscall(SYS_newfstatat, AT_FDCWD, syscall_argument("/proc/self/task"),
                     syscall_argument(&tasks)) == 0 &&
         tasks.st_nlink <= 4;
}

}  // namespace

LateSignals::LateSignals() noexcept {
  interpose::drop_guarded_signals(true);
  std::uint64_t all = ~std::uint64_t{0};
  for (const int signal : {SIGTRAP, SIGPROF}) {
    if (interpose::owns_signal(signal)) {
      all &= ~bit_of(signal);
    }
  }
  unusual_syscall(SYS_rt_sigpending, syscall_argument(&pending_), sizeof pending_);
  raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, syscall_argument(&all), syscall_argument(&blocked_),
              sizeof all);
  if (!has_one_thread()) {
    ignore_endings();
  }
}

void LateSignals::ignore_endings() noexcept {
  Action ignore;
  ignore.handler = reinterpret_cast<std::uintptr_t>(SIG_IGN);
  for (int signal = 1; signal <= kSignals; ++signal) {
    struct sigaction believed {};  // by the program; the kernel may have a handler of ours
    if ((kNoEndings & bit_of(signal)) == 0 && !interpose::owns_signal(signal) &&
        sigaction(signal, nullptr, &believed) == 0 && believed.sa_handler == SIG_DFL &&
        raw_syscall(SYS_rt_sigaction, signal, syscall_argument(&ignore),
                    syscall_argument(&actions_[static_cast<std::size_t>(signal)]),
                    sizeof ignore.mask) == 0) {
      ignored_ |= bit_of(signal);
    }
  }
}

LateSignals::~LateSignals() noexcept {
  const std::uint64_t late = ~blocked_ & ~pending_;
  const timespec at_once{};
  while (unusual_syscall(SYS_rt_sigtimedwait, syscall_argument(&late), 0,
                         syscall_argument(&at_once), sizeof late) > 0) {
  }
  for (int signal = 1; signal <= kSignals; ++signal) {
    if ((ignored_ & bit_of(signal)) != 0) {
      raw_syscall(SYS_rt_sigaction, signal,
                  syscall_argument(&actions_[static_cast<std::size_t>(signal)]), 0,
                  sizeof(std::uint64_t));
    }
  }
  interpose::drop_guarded_signals(false);
  raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, syscall_argument(&blocked_), 0, sizeof blocked_);
}

}  // namespace otprof::agent
