// SPDX-License-Identifier: Apache-2.0
//
// syscall(2), for the few system calls whose libc functions are interposed as well: a program that
// resets every signal or puts a thread into a sandbox often does so past libc. All other calls go
// on to libc's by a jump, with every register and the stack as they came, so that even vfork works.
#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

#include "interpose/mappings.h"
#include "interpose/next.h"
#include "interpose/raw_calls.h"
#include "interpose/sandbox.h"
#include "interpose/signal_guard.h"

namespace otprof::interpose {
namespace {

using SyscallFunction = long (*)(long, ...);

SyscallFunction real_syscall() noexcept {
  static const auto real = next<SyscallFunction>("syscall");
  return real;
}

// What rt_sigaction(2) takes and gives; the kernel's own, not libc's struct sigaction.
struct KernelAction {
  void* handler;
  unsigned long flags;
  void* restorer;
  SignalBits mask;
};

struct sigaction from_kernel(const KernelAction& given) noexcept {
  struct sigaction action {};
  memcpy(&action.sa_handler, &given.handler, sizeof given.handler);
  action.sa_flags = static_cast<int>(given.flags);
  action.sa_restorer = reinterpret_cast<void (*)()>(given.restorer);
  add_bits(action.sa_mask, given.mask);
  return action;
}

KernelAction to_kernel(const struct sigaction& action) noexcept {
  KernelAction given{};
  memcpy(&given.handler, &action.sa_handler, sizeof given.handler);
  given.flags = static_cast<unsigned>(action.sa_flags);
  given.restorer = reinterpret_cast<void*>(action.sa_restorer);
  given.mask = bits_of(action.sa_mask);
  return given;
}

long set_guarded_action(int signal, const KernelAction* wanted, KernelAction* old) noexcept {
  const struct sigaction before = believed_action(signal);
  if (wanted != nullptr) {
    set_believed_action(signal, from_kernel(*wanted));
  }
  if (old != nullptr) {
    *old = to_kernel(before);
  }
  return 0;
}

// The system call itself, in the form of the libc function, which would leave out two signals.
int raw_sigprocmask(int how, const sigset_t* set, sigset_t* old) noexcept {
  return static_cast<int>(real_syscall()(SYS_rt_sigprocmask, how, set, old, sizeof(SignalBits)));
}

long change_guarded_mask(int how, const SignalBits* wanted, SignalBits* old) noexcept {
  sigset_t set{};
  sigset_t before{};
  if (wanted != nullptr) {
    add_bits(set, *wanted);
  }
  const int result = change_mask(raw_sigprocmask, how, wanted == nullptr ? nullptr : &set,
                                 old == nullptr ? nullptr : &before);
  if (result == 0 && old != nullptr) {
    *old = bits_of(before);
  }
  return result;
}

[[gnu::constructor]] void look_up_early();

}  // namespace
}  // namespace otprof::interpose

extern "C" {

// Where all other calls go. Until libc's function is known they are made right here. Null until the loader
// has relocated this library: then errno cannot be reached either.
std::atomic<long (*)(long, ...)> otprof_next_syscall{otprof_make_syscall};

long otprof_fail_syscall(long error) noexcept {
  if (otprof_next_syscall.load(std::memory_order_relaxed) != nullptr) {
    errno = static_cast<int>(-error);
  }
  return -1;
}

// As syscall(2), and with the same arguments in the same places.
[[gnu::used]] long otprof_special_syscall(long number, long a, long b, long c, long d, long e,
                                          long f) noexcept {
  using namespace otprof::interpose;  // NOLINT(google-build-using-namespace): within this function
  constexpr auto kSetBytes = static_cast<long>(sizeof(SignalBits));
  const auto signal = static_cast<int>(a);
  const void* const caller = __builtin_return_address(0);  // of syscall(), which has jumped here
  const auto pointer = [](long value) { return reinterpret_cast<void*>(value); };
  const auto argument = [](void* value) { return reinterpret_cast<long>(value); };
  const auto call = [=] {
    return otprof_next_syscall.load(std::memory_order_relaxed)(number, a, b, c, d, e, f);
  };
  switch (number) {
    case SYS_rt_sigaction:
      if (d == kSetBytes && is_guarded(signal) && !leaves_signals_to_kernel()) {
        return set_guarded_action(signal, reinterpret_cast<const KernelAction*>(b),
                                  reinterpret_cast<KernelAction*>(c));
      }
      break;
    case SYS_rt_sigprocmask:
      if (d == kSetBytes && guarded_signals() != 0) {
        return change_guarded_mask(static_cast<int>(a), reinterpret_cast<const SignalBits*>(b),
                                   reinterpret_cast<SignalBits*>(c));
      }
      break;
    case SYS_mmap:
      return argument(tell_of_map(caller, static_cast<size_t>(b), static_cast<int>(c),
                                  static_cast<int>(d), [&] { return pointer(call()); }));
    case SYS_munmap:
      return tell_of_unmap(caller, pointer(a), static_cast<size_t>(b),
                           [&] { return static_cast<int>(call()); });
    case SYS_mremap:
      return argument(tell_of_remap(caller, pointer(a), static_cast<size_t>(b),
                                    static_cast<size_t>(c), static_cast<int>(d),
                                    [&] { return pointer(call()); }));
    case SYS_seccomp:
      if (a == SECCOMP_SET_MODE_STRICT) {
        tell_of_strict_sandbox();
      } else if (a == SECCOMP_SET_MODE_FILTER) {
        tell_of_filter(pointer(c),
                       (static_cast<unsigned long>(b) & SECCOMP_FILTER_FLAG_TSYNC) != 0);
      }
      break;
    case SYS_prctl:
      tell_of_prctl(static_cast<unsigned long>(a), static_cast<unsigned long>(b), pointer(c));
      break;
    case SYS_unshare: return ::unshare(static_cast<int>(a));
    case SYS_setns: return ::setns(static_cast<int>(a), static_cast<int>(b));
    case SYS_execve:
    case SYS_execveat: {
      const AsBelieved scope;
      return call();
    }
    default: break;
  }
  return call();
}

__asm__(R"(
    .pushsection .text
    .globl  syscall
    .type   syscall, @function
    .balign 16
syscall:
    .cfi_startproc
    cmp     $63, %rdi            # of these: mmap, munmap, rt_sigaction, rt_sigprocmask, mremap, execve
    ja      3f
    movabs  $(1<<9 | 1<<11 | 1<<13 | 1<<14 | 1<<25 | 1<<59), %rax
    bt      %rdi, %rax
    jc      1f
    jmp     *otprof_next_syscall(%rip)
3:  cmp     $157, %rdi           # prctl
    je      1f
    cmp     $272, %rdi           # unshare
    jb      2f
    je      1f
    cmp     $308, %rdi           # setns
    je      1f
    cmp     $317, %rdi           # seccomp
    je      1f
    cmp     $322, %rdi           # execveat
    je      1f
2:  jmp     *otprof_next_syscall(%rip)
1:  jmp     otprof_special_syscall
    .cfi_endproc
    .size   syscall, . - syscall

    .globl  otprof_make_syscall
    .hidden otprof_make_syscall
    .type   otprof_make_syscall, @function
    .balign 16
otprof_make_syscall:
    .cfi_startproc
    mov     %rdi, %rax
    mov     %rsi, %rdi
    mov     %rdx, %rsi
    mov     %rcx, %rdx
    mov     %r8, %r10
    mov     %r9, %r8
    mov     8(%rsp), %r9
    syscall
    cmp     $-4095, %rax
    jae     3f
    ret
3:  mov     %rax, %rdi
    jmp     otprof_fail_syscall
    .cfi_endproc
    .size   otprof_make_syscall, . - otprof_make_syscall
    .popsection
)");
}

namespace otprof::interpose {
namespace {

void look_up_early() {
  if (const SyscallFunction real = real_syscall()) {
    otprof_next_syscall.store(real, std::memory_order_relaxed);
  }
}

}  // namespace
}  // namespace otprof::interpose
