// SPDX-License-Identifier: Apache-2.0
//
// sigaction, signal, sigprocmask and pthread_sigmask, for the sake of the signals the agent samples
// by. A program may set, query and block them as it likes and sees just what it did; in the kernel
// the agent's handler stays and no thread has them blocked, or it would silently not be sampled
// (liblzma's workers, and many others, block every signal).
//
// All are async-signal-safe, as they must be. Calls that name no guarded signal go to libc as they
// are.
#include <errno.h>
#include <signal.h>

#include <atomic>

#include "interpose/end_signals.h"
#include "interpose/hooks.h"
#include "interpose/next.h"
#include "interpose/signal_guard.h"

namespace otprof::interpose {
namespace {

using SigactionFunction = int (*)(int, const struct sigaction*, struct sigaction*);
using SignalFunction = sighandler_t (*)(int, sighandler_t);
using MaskFunction = int (*)(int, const sigset_t*, sigset_t*);

// For each other signal: the guarded ones its handler's mask was asked to hold.
std::atomic<SignalBits> asked_in_mask[NSIG];

SigactionFunction real_sigaction() noexcept {
  static const auto real = next<SigactionFunction>("sigaction");
  return real;
}
SignalFunction real_signal() noexcept {
  static const auto real = next<SignalFunction>("signal");
  return real;
}
MaskFunction real_sigprocmask() noexcept {
  static const auto real = next<MaskFunction>("sigprocmask");
  return real;
}
MaskFunction real_pthread_sigmask() noexcept {
  static const auto real = next<MaskFunction>("pthread_sigmask");
  return real;
}

// Looking a function up is not async-signal-safe, so it is done before a handler can need it.
[[gnu::constructor]] void look_up_early() {
  real_sigaction();
  real_signal();
  real_sigprocmask();
  real_pthread_sigmask();
}

int set_believed(int signal, const struct sigaction* action, struct sigaction* old) noexcept {
  if (leaves_signals_to_kernel()) {
    return real_sigaction()(signal, action, old);
  }
  const struct sigaction before = believed_action(signal);
  if (action != nullptr) {
    set_believed_action(signal, *action);
  }
  if (old != nullptr) {
    *old = before;
  }
  return 0;
}

int sigaction_without_guarded(int signal, const struct sigaction* action,
                              struct sigaction* old) noexcept {
  struct sigaction allowed {};
  const bool in_range = signal >= 1 && signal < NSIG;
  const SignalBits asked_before =
      in_range ? asked_in_mask[signal].load(std::memory_order_relaxed) : 0;
  SignalBits asked = 0;
  if (action != nullptr) {
    allowed = *action;
    asked = bits_of(allowed.sa_mask) & guarded_signals();
    remove_bits(allowed.sa_mask, asked);
  }
  const int result = real_sigaction()(signal, action == nullptr ? nullptr : &allowed, old);
  if (result == 0 && in_range) {
    if (action != nullptr && asked != asked_before && !leaves_signals_to_kernel()) {
      asked_in_mask[signal].store(asked, std::memory_order_relaxed);
    }
    if (old != nullptr) {
      add_bits(old->sa_mask, asked_before);
    }
  }
  return result;
}

int end_signal_action(int signal, const struct sigaction* action, struct sigaction* old) noexcept {
  const EndSignalRequest request(signal, action);
  const int result = request.is_ours() ? real_sigaction()(signal, request.action(), old)
                                       : sigaction_without_guarded(signal, action, old);
  if (result == 0) {
    request.granted(old);
  }
  return result;
}

}  // namespace

int change_mask(MaskFunction real, int how, const sigset_t* set, sigset_t* old) noexcept {
  const SignalBits ours = guarded_signals();
  const bool is_about_ours = believed_mask != 0 || (set != nullptr && (bits_of(*set) & ours) != 0);
  if (ours == 0 || (is_about_ours && leaves_signals_to_kernel())) {
    return real(how, set, old);
  }
  SignalBits blocked_before = 0;
  if (believed_mask != 0) {
    sigset_t now;
    if (real(SIG_BLOCK, nullptr, &now) == 0) {
      blocked_before = believed_blocked(bits_of(now));
    }
  }
  const SignalBits mask_before = believed_mask;
  sigset_t allowed;
  if (set != nullptr) {
    allowed = *set;
    remove_bits(allowed, ours);
  }
  // Before the call: a signal that is pending comes within it.
  if (set != nullptr) {
    const SignalBits named = bits_of(*set);
    if (how == SIG_BLOCK) {
      believe(mask_before | named);
    } else if (how == SIG_UNBLOCK) {
      believe(mask_before & ~named);
    } else {
      believe(named);
    }
  }
  // UNBLOCK may name a guarded signal that really is blocked: inherited from before, or pending.
  const bool as_it_is = set == nullptr || how == SIG_UNBLOCK;
  const int result = real(how, as_it_is ? set : &allowed, old);
  if (result != 0) {
    believed_mask = mask_before;
    return result;
  }
  if (old != nullptr) {
    add_bits(*old, blocked_before);
  }
  return result;
}

void unblock_guarded_signals() noexcept {
  sigset_t guarded;
  sigset_t before;
  sigemptyset(&guarded);
  add_bits(guarded, guarded_signals());
  real_pthread_sigmask()(SIG_UNBLOCK, &guarded, &before);
  believe(believed_mask | bits_of(before));
}

}  // namespace otprof::interpose

using otprof::interpose::as_seen;
using otprof::interpose::change_mask;
using otprof::interpose::end_signal_action;
using otprof::interpose::is_end_signal;
using otprof::interpose::is_guarded;
using otprof::interpose::real_pthread_sigmask;
using otprof::interpose::real_signal;
using otprof::interpose::real_sigprocmask;
using otprof::interpose::set_believed;
using otprof::interpose::sigaction_without_guarded;

extern "C" {

[[gnu::visibility("default")]] int sigaction(int signal, const struct sigaction* action,
                                             struct sigaction* old) noexcept {
  if (is_guarded(signal)) {
    return set_believed(signal, action, old);
  }
  if (is_end_signal(signal)) {
    return end_signal_action(signal, action, old);
  }
  return sigaction_without_guarded(signal, action, old);
}

[[gnu::visibility("default")]] sighandler_t signal(int signal, sighandler_t handler) noexcept {
  if (is_end_signal(signal) && handler == SIG_DFL) {
    struct sigaction action {};
    struct sigaction old {};
    action.sa_flags = SA_RESTART;
    sigaddset(&action.sa_mask, signal);
    return end_signal_action(signal, &action, &old) == 0 ? old.sa_handler : SIG_ERR;
  }
  if (!is_guarded(signal)) {
    return as_seen(real_signal()(signal, handler));
  }
  if (handler == SIG_ERR) {
    errno = EINVAL;
    return SIG_ERR;
  }
  struct sigaction action {};
  struct sigaction old {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;  // glibc's signal() has BSD semantics
  sigaddset(&action.sa_mask, signal);
  set_believed(signal, &action, &old);
  return old.sa_handler;
}

[[gnu::visibility("default")]] int sigprocmask(int how, const sigset_t* set,
                                               sigset_t* old) noexcept {
  return change_mask(real_sigprocmask(), how, set, old);
}

[[gnu::visibility("default")]] int pthread_sigmask(int how, const sigset_t* set,
                                                   sigset_t* old) noexcept {
  return change_mask(real_pthread_sigmask(), how, set, old);
}
}
