// SPDX-License-Identifier: Apache-2.0
//
// Handler side (on_trap and what it calls). Calls allowed there: take_sample, raw_syscall, and the
// host's own handler.
#include "agent/cpu/trap_signal.h"

#include <signal.h>
#include <ucontext.h>

#include <atomic>
#include <cstddef>
#include <cstring>

#include "agent/cpu/sampler.h"
#include "agent/raw_syscall.h"

namespace otprof::cpu {
namespace {

constexpr int kTrapPerf = 6;                 // TRAP_PERF, linux >= 5.13
constexpr std::size_t kPerfDataOffset = 24;  // siginfo_t._sifields._sigfault._perf._data
constexpr std::size_t kKernelSetBytes = 8;   // sizeof(sigset_t) in the kernel

struct sigaction previous {};
std::atomic<bool> accepting{false};

bool is_ours(const siginfo_t& info) noexcept {
  std::uint64_t tag = 0;
  std::memcpy(&tag, reinterpret_cast<const char*>(&info) + kPerfDataOffset, sizeof tag);
  return info.si_code == kTrapPerf && tag == kTrapTag;
}

// The default action of SIGTRAP ends the process with a core dump: it must still do so, with this
// signal as the cause. The signal is blocked here and takes effect on return.
void die_of_trap() noexcept {
  struct sigaction default_action {};
  default_action.sa_handler = SIG_DFL;
  sigaction(SIGTRAP, &default_action, nullptr);
  agent::raw_syscall(SYS_tgkill, agent::raw_syscall(SYS_getpid), agent::raw_syscall(SYS_gettid),
                     SIGTRAP);
}

void pass_on(int signal, siginfo_t* info, void* context) noexcept {
  if (previous.sa_handler == SIG_IGN) {
    return;
  }
  if (previous.sa_handler == SIG_DFL) {
    die_of_trap();
    return;
  }
  // The mask its owner would have run under; the return from the signal restores it by itself.
  std::uint64_t mask = 0;
  std::uint64_t asked = 0;
  std::memcpy(&mask, &static_cast<ucontext_t*>(context)->uc_sigmask, sizeof mask);
  std::memcpy(&asked, &previous.sa_mask, sizeof asked);
  mask |= asked;
  if ((previous.sa_flags & SA_NODEFER) == 0) {
    mask |= std::uint64_t{1} << (SIGTRAP - 1);
  }
  agent::raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, agent::syscall_argument(&mask), 0,
                     kKernelSetBytes);
  if ((previous.sa_flags & SA_SIGINFO) != 0) {
    previous.sa_sigaction(signal, info, context);
  } else {
    previous.sa_handler(signal);
  }
}

void on_trap(int signal, siginfo_t* info, void* context) noexcept {
  if (!is_ours(*info)) {
    pass_on(signal, info, context);
  } else if (accepting.load(std::memory_order_relaxed)) {
    take_sample(*static_cast<const ucontext_t*>(context), 1);
  }
}

}  // namespace

bool install_trap_handler() noexcept {
  if (owns_trap_signal()) {
    return true;
  }
  struct sigaction action {};
  action.sa_sigaction = on_trap;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  sigfillset(&action.sa_mask);
  return sigaction(SIGTRAP, &action, &previous) == 0;
}

void accept_traps(bool accept) noexcept { accepting.store(accept, std::memory_order_relaxed); }

bool owns_trap_signal() noexcept {
  struct sigaction now {};
  return sigaction(SIGTRAP, nullptr, &now) == 0 && (now.sa_flags & SA_SIGINFO) != 0 &&
         now.sa_sigaction == on_trap;
}

}  // namespace otprof::cpu
