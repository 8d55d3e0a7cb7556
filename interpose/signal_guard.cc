// SPDX-License-Identifier: Apache-2.0
//
// Handler side (believed_action, pass_on_signal). Calls allowed there: memcpy, raw system calls, and
// the program's own handler.
#include "interpose/signal_guard.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <array>
#include <atomic>

#include "interpose/next.h"

namespace otprof::interpose {

constinit thread_local SignalBits believed_mask = 0;

namespace {

constexpr std::size_t kKernelSetBytes = sizeof(SignalBits);

// A handler may read an action while another thread replaces it, so an action is never changed in
// place: the writer fills the next of several slots and publishes its number. A reader would have
// to be held up for as many replacements as there are slots to see one change.
struct Believed {
  static constexpr unsigned kSlots = 16;
  std::array<struct sigaction, kSlots> slots{};
  std::atomic<unsigned> last{0};
};

constexpr int kMostGuarded = 2;
std::array<Believed, kMostGuarded> believed;
std::array<std::atomic<int>, kMostGuarded> signal_numbers{};
std::array<SignalHandler, kMostGuarded> handlers{};
std::atomic<SignalBits> guarded{0};
std::atomic<pid_t> guarding_process{0};
std::atomic<bool> may_ask_for_process{true};
// The process that drops them, or 0: its children do not.
std::atomic<pid_t> drops_guarded{0};

int slot_of(int signal) noexcept {
  for (int i = 0; i < kMostGuarded; ++i) {
    if (signal_numbers[static_cast<std::size_t>(i)].load(std::memory_order_acquire) == signal) {
      return i;
    }
  }
  return -1;
}

using SigactionFunction = int (*)(int, const struct sigaction*, struct sigaction*);

SigactionFunction real_sigaction() noexcept {
  static const auto real = next<SigactionFunction>("sigaction");
  return real;
}

// The mask before.
SignalBits raw_mask(int how, SignalBits bits) noexcept {
  SignalBits before = 0;
  long result = SYS_rt_sigprocmask;
  register long size __asm__("r10") = kKernelSetBytes;
  __asm__ volatile("syscall"
                   : "+a"(result)
                   : "D"(static_cast<long>(how)), "S"(&bits), "d"(&before), "r"(size)
                   : "rcx", "r11", "memory");
  return before;
}

// Sends the signal to this thread again, with all that came with it.
void requeue(int signal, const siginfo_t* info) noexcept {
  long result = SYS_rt_tgsigqueueinfo;
  const long process = getpid();
  const long thread = gettid();
  register const siginfo_t* with __asm__("r10") = info;  // last: calls do not keep r10
  __asm__ volatile("syscall"
                   : "+a"(result)
                   : "D"(process), "S"(thread), "d"(static_cast<long>(signal)), "r"(with)
                   : "rcx", "r11", "memory");
}

// The same to the process: another thread may wait for it, or have it unblocked. Only the main thread may
// repeat what kill or the kernel sent; from others it comes as by sigqueue, from the same sender.
void requeue_to_process(int signal, const siginfo_t& info) noexcept {
  siginfo_t again = info;
  const long process = getpid();
  for (int attempt = 0; attempt < 2; ++attempt) {
    long result = SYS_rt_sigqueueinfo;
    __asm__ volatile("syscall"
                     : "+a"(result)
                     : "D"(process), "S"(static_cast<long>(signal)), "d"(&again)
                     : "rcx", "r11", "memory");
    if (result == 0) {
      return;
    }
    again.si_code = SI_QUEUE;
  }
}

// By kill, sigqueue or an interval timer: they mean no thread in particular.
bool is_for_process(int signal, const siginfo_t& info) noexcept {
  return info.si_code == SI_USER || info.si_code == SI_QUEUE ||
         (signal == SIGPROF && info.si_code == SI_KERNEL);
}

// Puts the agent's handler in place; the kernel may refuse.
bool install(int signal, SignalHandler handler) noexcept {
  struct sigaction action {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  sigfillset(&action.sa_mask);
  return real_sigaction()(signal, &action, nullptr) == 0;
}

bool has_our_handler(int signal, const struct sigaction& action) noexcept {
  const int slot = slot_of(signal);
  return slot >= 0 && (action.sa_flags & SA_SIGINFO) != 0 &&
         action.sa_sigaction == handlers[static_cast<std::size_t>(slot)];
}

// believed_blocked(), without noting that it is over.
SignalBits still_blocked(SignalBits in_kernel) noexcept {
  const SignalBits ours = guarded_signals();
  return (believed_mask & ~ours & ~in_kernel) != 0 ? 0 : believed_mask & ours;
}

void set_in_kernel(int signal, sighandler_t handler) noexcept {
  struct sigaction action {};
  action.sa_handler = handler;
  real_sigaction()(signal, &action, nullptr);
}

// Not brought about by what the thread itself did, which no mask can hold up.
bool can_be_blocked(int signal, const siginfo_t& info) noexcept {
  return info.si_code <= 0 || is_for_process(signal, info);
}

void call_program(int signal, siginfo_t* info, void* context,
                  const struct sigaction& action) noexcept {
  // The mask it would have run under; the return from the signal restores the old one by itself.
  SignalBits mask =
      bits_of(static_cast<ucontext_t*>(context)->uc_sigmask) | bits_of(action.sa_mask);
  if ((action.sa_flags & SA_NODEFER) == 0) {
    mask |= bit_of(signal);
  }
  if ((static_cast<unsigned>(action.sa_flags) & SA_RESETHAND) != 0) {
    struct sigaction default_action {};
    default_action.sa_handler = SIG_DFL;
    set_believed_action(signal, default_action);
  }
  raw_mask(SIG_SETMASK, mask);
  const SignalBits believed_before = believed_mask;
  believe(believed_before | mask);
  if ((action.sa_flags & SA_SIGINFO) != 0) {
    action.sa_sigaction(signal, info, context);
  } else {
    action.sa_handler(signal);
  }
  believed_mask = believed_before;
}

}  // namespace

SignalBits bits_of(const sigset_t& set) noexcept {
  SignalBits bits = 0;
  memcpy(&bits, &set, sizeof bits);
  return bits;
}

void add_bits(sigset_t& set, SignalBits bits) noexcept {
  bits |= bits_of(set);
  memcpy(&set, &bits, sizeof bits);
}

void remove_bits(sigset_t& set, SignalBits bits) noexcept {
  bits = bits_of(set) & ~bits;
  memcpy(&set, &bits, sizeof bits);
}

// The signal is blocked while its handler runs.
void die_by_default(int signal, const siginfo_t* info) noexcept {
  set_in_kernel(signal, SIG_DFL);
  if (info->si_code <= 0) {
    requeue(signal, info);
  } else {
    syscall(SYS_tgkill, getpid(), gettid(), signal);
  }
}

SignalBits guarded_signals() noexcept { return guarded.load(std::memory_order_acquire); }

void believe(SignalBits mask) noexcept {
  // libc or the kernel takes these out of every mask.
  constexpr SignalBits kNeverBlocked = bit_of(SIGKILL) | bit_of(SIGSTOP) | bit_of(32) | bit_of(33);
  believed_mask = (mask & guarded_signals()) == 0 ? 0 : mask & ~kNeverBlocked;
}

SignalBits believed_blocked(SignalBits in_kernel) noexcept {
  const SignalBits blocked = still_blocked(in_kernel);
  if (blocked == 0) {
    believed_mask = 0;
  }
  return blocked;
}

bool leaves_signals_to_kernel() noexcept {
  if (!may_ask_for_process.load(std::memory_order_relaxed) ||
      guarding_process.load(std::memory_order_relaxed) == getpid()) {
    return false;
  }
  const int error = errno;
  bool had_ours = false;
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction now {};
    if (is_guarded(signal) && real_sigaction()(signal, nullptr, &now) == 0 &&
        has_our_handler(signal, now)) {
      const struct sigaction wanted = believed_action(signal);
      real_sigaction()(signal, &wanted, nullptr);
      had_ours = true;
    }
  }
  if (had_ours && believed_mask != 0) {
    raw_mask(SIG_BLOCK, still_blocked(raw_mask(SIG_BLOCK, 0)));
  }
  errno = error;
  return true;
}

void guard_on_in_child() noexcept {
  if (may_ask_for_process.load(std::memory_order_relaxed)) {
    guarding_process.store(getpid(), std::memory_order_relaxed);
  }
}

void never_ask_for_process() noexcept {
  may_ask_for_process.store(false, std::memory_order_relaxed);
}

struct sigaction believed_action(int signal) noexcept {
  const Believed& record = believed[static_cast<std::size_t>(slot_of(signal))];
  return record.slots[record.last.load(std::memory_order_acquire) % Believed::kSlots];
}

void set_believed_action(int signal, const struct sigaction& action) noexcept {
  Believed& record = believed[static_cast<std::size_t>(slot_of(signal))];
  const unsigned number = record.last.load(std::memory_order_relaxed) + 1;
  record.slots[number % Believed::kSlots] = action;
  record.last.store(number, std::memory_order_release);
}

bool guard_signal(int signal, SignalHandler handler) noexcept {
  if (is_guarded(signal)) {
    return owns_signal(signal);
  }
  const int slot = slot_of(0);
  if (slot < 0) {
    return false;
  }
  const auto index = static_cast<std::size_t>(slot);
  struct sigaction before {};
  if (real_sigaction()(signal, nullptr, &before) != 0) {
    return false;
  }
  handlers[index] = handler;
  guarding_process.store(getpid(), std::memory_order_relaxed);
  signal_numbers[index].store(signal, std::memory_order_release);
  set_believed_action(signal, before);
  if (!install(signal, handler)) {
    signal_numbers[index].store(0, std::memory_order_release);
    return false;
  }
  guarded.fetch_or(bit_of(signal), std::memory_order_acq_rel);
  return true;
}

void drop_guarded_signals(bool drop) noexcept {
  drops_guarded.store(drop ? getpid() : 0, std::memory_order_relaxed);
}

bool owns_signal(int signal) noexcept {
  const int slot = slot_of(signal);
  struct sigaction now {};
  if (slot < 0 || real_sigaction()(signal, nullptr, &now) != 0) {
    return false;
  }
  if (now.sa_handler == SIG_IGN && believed_action(signal).sa_handler == SIG_IGN) {
    return true;  // a program is being executed
  }
  return has_our_handler(signal, now);
}

bool has_handler(int signal) noexcept {
  struct sigaction now {};
  return real_sigaction()(signal, nullptr, &now) == 0 && now.sa_handler != SIG_DFL &&
         now.sa_handler != SIG_IGN;
}

void leave_guarded_signals(bool has_done) noexcept {
  const SignalBits ours = guarded_signals();
  for (int signal = 1; signal < NSIG; ++signal) {
    if ((ours & bit_of(signal)) == 0) {
      continue;
    }
    set_in_kernel(signal, SIG_IGN);  // takes pending ones away, too
    if (has_done) {
      const struct sigaction wanted = believed_action(signal);
      guarded.fetch_and(~bit_of(signal), std::memory_order_acq_rel);
      real_sigaction()(signal, &wanted, nullptr);
    }
  }
}

void block_as_believed() noexcept {
  SignalBits ours = 0;
  for (const std::atomic<int>& signal : signal_numbers) {
    if (const int number = signal.load(std::memory_order_acquire); number != 0) {
      ours |= bit_of(number);
    }
  }
  block_really(believed_mask & ours);
}

void unblock_really(SignalBits signals) noexcept {
  if (signals != 0) {
    raw_mask(SIG_UNBLOCK, signals);
  }
}

void block_really(SignalBits signals) noexcept {
  if (signals != 0) {
    raw_mask(SIG_BLOCK, signals);
  }
}

AsBelieved::AsBelieved() noexcept {
  for (int signal = 1; signal < NSIG; ++signal) {
    if (is_guarded(signal) && believed_action(signal).sa_handler == SIG_IGN) {
      ignored_ |= bit_of(signal);
    }
  }
  if (ignored_ == 0 && believed_mask == 0) {
    return;
  }
  if (leaves_signals_to_kernel()) {
    ignored_ = 0;
    return;
  }
  const int error = errno;
  for (int signal = 1; signal < NSIG; ++signal) {
    if ((ignored_ & bit_of(signal)) != 0) {
      set_in_kernel(signal, SIG_IGN);
    }
  }
  if (believed_mask != 0) {
    blocked_ = still_blocked(raw_mask(SIG_BLOCK, 0));
    raw_mask(SIG_BLOCK, blocked_);
  }
  errno = error;
}

AsBelieved::~AsBelieved() noexcept {
  const int error = errno;
  for (int signal = 1; signal < NSIG; ++signal) {
    if ((ignored_ & bit_of(signal)) != 0) {
      install(signal, handlers[static_cast<std::size_t>(slot_of(signal))]);
    }
  }
  if (blocked_ != 0) {
    raw_mask(SIG_UNBLOCK, blocked_);
  }
  errno = error;
}

void pass_on_signal(int signal, siginfo_t* info, void* context) noexcept {
  const pid_t dropping = drops_guarded.load(std::memory_order_relaxed);
  if (dropping != 0 && dropping == getpid()) {
    return;
  }
  SignalBits blocked = bits_of(static_cast<ucontext_t*>(context)->uc_sigmask);
  blocked = believed_blocked(blocked);
  if ((blocked & bit_of(signal)) != 0 && can_be_blocked(signal, *info)) {
    // It stays pending, as the program expects; this thread is not sampled while it does.
    add_bits(static_cast<ucontext_t*>(context)->uc_sigmask, bit_of(signal));
    is_for_process(signal, *info) ? requeue_to_process(signal, *info) : requeue(signal, info);
    return;
  }
  const struct sigaction action = believed_action(signal);
  if (action.sa_handler == SIG_DFL) {
    die_by_default(signal, info);
  } else if (action.sa_handler != SIG_IGN) {
    call_program(signal, info, context, action);
  }
}

}  // namespace otprof::interpose
