// SPDX-License-Identifier: Apache-2.0
//
// Which signals the agent has taken, and what the program believes of them: its disposition for
// each, and whether it has them blocked. For files of interpose/ only; any thread and any signal
// handler.
#pragma once

#include <signal.h>

#include <cstdint>

namespace otprof::interpose {

// One bit per signal, as in the kernel's sigset_t: bit N-1 for signal N.
using SignalBits = std::uint64_t;
constexpr SignalBits bit_of(int signal) noexcept { return SignalBits{1} << (signal - 1); }
SignalBits bits_of(const sigset_t& set) noexcept;
void add_bits(sigset_t& set, SignalBits bits) noexcept;
void remove_bits(sigset_t& set, SignalBits bits) noexcept;

SignalBits guarded_signals() noexcept;
inline bool is_guarded(int signal) noexcept {
  return signal >= 1 && signal < NSIG && (guarded_signals() & bit_of(signal)) != 0;
}

// True in a process that has the guard's memory, or a copy, but has not been told to go on with it: the child
// of a vfork, above all. What is believed is another's there, and must not be written. The first time,
// the kernel is given all that the program believes; from then on its calls go there.
// A system call: only for a call that would change what is believed, or tell it.
bool leaves_signals_to_kernel() noexcept;

// sigprocmask(2) by `real`, with the guarded signals left out of what is really blocked, and the
// program shown what it asked for.
int change_mask(int (*real)(int, const sigset_t*, sigset_t*), int how, const sigset_t* set,
                sigset_t* old) noexcept;

// What the program asked for with a guarded signal.
struct sigaction believed_action(int signal) noexcept;
void set_believed_action(int signal, const struct sigaction& action) noexcept;

// The default action of a signal whose default action ends the process, with that signal as the cause:
// from within its handler, when the handler returns.
void die_by_default(int signal, const siginfo_t* info) noexcept;

// Of these, which the program believes to be blocked, the kernel may have some so: one has been pending. Now
// that none is, this thread may be sampled again; one that is after all comes back to be pending. errno is
// kept.
void unblock_really(SignalBits signals) noexcept;
void block_really(SignalBits signals) noexcept;

// Around a call that hands dispositions and mask on to another program, which inherits what is
// ignored and what is blocked: as long as this lives the kernel has what the program believes.
// Costs nothing when that is what the kernel has anyway. errno is kept, and nothing written but the stack.
class AsBelieved {
 public:
  AsBelieved() noexcept;
  ~AsBelieved() noexcept;
  AsBelieved(const AsBelieved&) = delete;
  AsBelieved& operator=(const AsBelieved&) = delete;

 private:
  SignalBits ignored_ = 0;
  SignalBits blocked_ = 0;
};

// The mask that the program believes this thread to have, as far as it set it through libc; 0 when no guarded
// signal is in it. A new thread inherits it.
//
// The kernel gives a thread another mask by itself, when a handler that changed it returns. It then lacks
// some other signal that is in here, as good as always, and what is believed here is over.
extern constinit thread_local SignalBits believed_mask;
void believe(SignalBits mask) noexcept;
// The guarded signals in it, given the mask that this thread has in the kernel.
SignalBits believed_blocked(SignalBits in_kernel) noexcept;

}  // namespace otprof::interpose
