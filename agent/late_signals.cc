// SPDX-License-Identifier: Apache-2.0
#include "agent/late_signals.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

#include <array>
#include <atomic>

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

// By these libc has all threads cancelled, or change users: who waits for this one to answer holds a lock
// of libc's that this one needs.
constexpr std::uint64_t kOfLibc = bit_of(32) | bit_of(33);

// The process that is about to end. Not so its children, which have its memory or a copy.
std::atomic<long> ending{0};
// Those whose default action is replaced, and what it was replaced in.
std::atomic<std::uint64_t> replaced{0};
std::array<struct sigaction, NSIG> actions;

// One for each entry, the directory's own two, and the agent's. Unknown without /proc.
bool has_one_thread() noexcept {
  struct stat tasks {};
  return raw_syscall(SYS_newfstatat, AT_FDCWD, syscall_argument("/proc/self/task"),
                     syscall_argument(&tasks)) == 0 &&
         tasks.st_nlink <= 4;
}

// What rt_sigaction(2) takes.
struct KernelAction {
  std::uintptr_t handler = 0;
  unsigned long flags = 0;
  std::uintptr_t restorer = 0;
  std::uint64_t mask = 0;
};

// Elsewhere than in the process that ends it does what the default action would: that follows when this
// returns. Calls allowed here: raw system calls.
void come_too_late(int signal) noexcept {
  const long process = raw_syscall(SYS_getpid);
  if (ending.load(std::memory_order_relaxed) == process) {
    return;
  }
  const KernelAction by_default;
  raw_syscall(SYS_rt_sigaction, signal, syscall_argument(&by_default), 0, sizeof by_default.mask);
  raw_syscall(SYS_tgkill, process, raw_syscall(SYS_gettid), signal);
}

void put_back(std::uint64_t signals) noexcept {
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction now {};
    if ((signals & bit_of(signal)) != 0 && sigaction(signal, nullptr, &now) == 0 &&
        now.sa_handler == come_too_late) {
      sigaction(signal, &actions[static_cast<std::size_t>(signal)], nullptr);
    }
  }
}

}  // namespace

LateSignals::LateSignals() noexcept {
  ending.store(raw_syscall(SYS_getpid), std::memory_order_relaxed);
  interpose::drop_guarded_signals(true);
  std::uint64_t all = ~kOfLibc;
  for (const int signal : {SIGTRAP, SIGPROF}) {
    if (interpose::owns_signal(signal)) {
      all &= ~bit_of(signal);
    }
  }
  unusual_syscall(SYS_rt_sigpending, syscall_argument(&pending_), sizeof pending_);
  raw_syscall(SYS_rt_sigprocmask, SIG_BLOCK, syscall_argument(&all), syscall_argument(&blocked_),
              sizeof all);
  if (!has_one_thread()) {
    replace_endings();
  }
}

// By a handler: what is ignored would be so in programs that other threads execute meanwhile, too.
void LateSignals::replace_endings() noexcept {
  struct sigaction nothing {};
  nothing.sa_handler = come_too_late;
  nothing.sa_flags = SA_RESTART | SA_ONSTACK;
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction& before = actions[static_cast<std::size_t>(signal)];
    struct sigaction believed {};  // by the program; the kernel may have a handler of ours
    if ((kNoEndings & bit_of(signal)) == 0 && !interpose::owns_signal(signal) &&
        sigaction(signal, nullptr, &believed) == 0 && believed.sa_handler == SIG_DFL) {
      before = believed;
      if (sigaction(signal, &nothing, nullptr) == 0) {
        replaced_ |= bit_of(signal);
      }
    }
  }
  replaced.fetch_or(replaced_, std::memory_order_release);
}

LateSignals::~LateSignals() noexcept {
  const std::uint64_t late = ~blocked_ & ~pending_ & ~kOfLibc;
  const timespec at_once{};
  while (unusual_syscall(SYS_rt_sigtimedwait, syscall_argument(&late), 0,
                         syscall_argument(&at_once), sizeof late) > 0) {
  }
  put_back(replaced_);
  interpose::drop_guarded_signals(false);
  ending.store(0, std::memory_order_relaxed);
  raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, syscall_argument(&blocked_), 0, sizeof blocked_);
}

void LateSignals::forget_in_child() noexcept {
  if (ending.exchange(0, std::memory_order_relaxed) != 0) {
    put_back(replaced.exchange(0, std::memory_order_acquire));
  }
}

}  // namespace otprof::agent
