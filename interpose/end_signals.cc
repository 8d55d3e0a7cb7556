// SPDX-License-Identifier: Apache-2.0
//
// Handler side (on_end_signal). Calls allowed there: raw system calls, and the hook.
#include "interpose/end_signals.h"

#include <errno.h>
#include <unistd.h>

#include <array>
#include <atomic>

#include "interpose/hooks.h"
#include "interpose/next.h"
#include "interpose/signal_guard.h"

namespace otprof::interpose {
namespace {

using SigactionFunction = int (*)(int, const struct sigaction*, struct sigaction*);

constexpr std::array<int, 3> kEndSignals = {SIGHUP, SIGINT, SIGTERM};

// glibc gives this flag to the kernel with each action, and shows it to who asks.
#if defined(__x86_64__)
constexpr int kOfLibc = 0x04000000;  // SA_RESTORER
#else
constexpr int kOfLibc = 0;
#endif

std::atomic<bool> is_watching{false};
std::atomic<bool> has_come{false};

// What a program said along with SIG_DFL; no handler ever runs by it, but it can be asked for.
struct Asked {
  std::atomic<SignalBits> mask{0};
  std::atomic<int> flags{0};
};
std::array<Asked, NSIG> asked_with_default;

SigactionFunction real_sigaction() noexcept {
  static const auto real = next<SigactionFunction>("sigaction");
  return real;
}

// The first time the agent may use up its time limit; who asks again wants to see the end of it.
void on_end_signal(int signal, siginfo_t* info, void* /*context*/) noexcept {
  const int error = errno;
  // The first process of a namespace is not ended by a default action.
  if (getpid() != 1) {
    if (!has_come.exchange(true) && hooks().process_ends != nullptr) {
      hooks().process_ends();
    }
    die_by_default(signal, info);
  }
  errno = error;
}

struct sigaction our_action() noexcept {
  struct sigaction action {};
  action.sa_sigaction = on_end_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  sigfillset(&action.sa_mask);
  return action;
}

}  // namespace

bool is_end_signal(int signal) noexcept {
  return is_watching.load(std::memory_order_acquire) &&
         (signal == SIGHUP || signal == SIGINT || signal == SIGTERM);
}

sighandler_t as_seen(sighandler_t handler) noexcept {
  return handler == our_action().sa_handler ? SIG_DFL : handler;
}

EndSignalRequest::EndSignalRequest(int signal, const struct sigaction* action) noexcept
    : signal_(signal) {
  if (action != nullptr && action->sa_handler == SIG_DFL) {
    is_ours_ = true;
    asked_ = *action;
    ours_ = our_action();
  }
}

void EndSignalRequest::granted(struct sigaction* old) const noexcept {
  Asked& record = asked_with_default[static_cast<std::size_t>(signal_)];
  if (old != nullptr && as_seen(old->sa_handler) != old->sa_handler) {
    *old = {};
    add_bits(old->sa_mask, record.mask.load(std::memory_order_relaxed));
    old->sa_flags = record.flags.load(std::memory_order_relaxed);
  }
  const bool is_new = record.mask.load(std::memory_order_relaxed) != bits_of(asked_.sa_mask) ||
                      record.flags.load(std::memory_order_relaxed) != (asked_.sa_flags | kOfLibc);
  if (is_ours_ && is_new && !leaves_signals_to_kernel()) {
    record.mask.store(bits_of(asked_.sa_mask), std::memory_order_relaxed);
    record.flags.store(asked_.sa_flags | kOfLibc, std::memory_order_relaxed);
  }
}

void leave_end_signals() noexcept {
  if (!is_watching.exchange(false)) {
    return;
  }
  for (const int signal : kEndSignals) {
    struct sigaction before {};
    if (real_sigaction()(signal, nullptr, &before) != 0 ||
        as_seen(before.sa_handler) == before.sa_handler) {
      continue;
    }
    const Asked& record = asked_with_default[static_cast<std::size_t>(signal)];
    struct sigaction wanted {};
    add_bits(wanted.sa_mask, record.mask.load(std::memory_order_relaxed));
    wanted.sa_flags = record.flags.load(std::memory_order_relaxed) & ~kOfLibc;
    real_sigaction()(signal, &wanted, nullptr);
  }
}

void watch_end_signals() noexcept {
  if (getpid() == 1 || is_watching.exchange(true)) {
    return;
  }
  for (const int signal : kEndSignals) {
    struct sigaction before {};
    if (real_sigaction()(signal, nullptr, &before) != 0 || before.sa_handler != SIG_DFL) {
      continue;
    }
    const struct sigaction ours = our_action();
    real_sigaction()(signal, &ours, nullptr);
  }
}

}  // namespace otprof::interpose
