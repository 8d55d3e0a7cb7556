// SPDX-License-Identifier: Apache-2.0
#include "test/truth/unwind/stepper.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <vector>

#include "test/truth/unwind/scenarios.h"
#include "test/truth/unwind/shadow_stack.h"

namespace otprof::test {
namespace {

constexpr int kExitNotPermitted = 77;
constexpr std::size_t kMaxThreads = 8;

struct Shared {
  pid_t main_tid = 0;
  unwind::StackBounds main_bounds;
  const volatile std::size_t* scenario = nullptr;
  std::uint64_t every = 1;
  Tally* tally = nullptr;
  std::atomic<bool> spinning{false};
  std::atomic<bool> attached{false};
  std::atomic<bool> finished{false};
  std::atomic<bool> failed{false};
  std::atomic<bool> not_permitted{false};
};
Shared shared;
unwind::StackBounds announced_bounds;

struct Tracee {
  pid_t tid = 0;
  unwind::StackBounds bounds;
  ShadowStack stack;
  bool seen = false;
  bool signalled = false;  // a signal is being delivered since the last stop
  std::uint64_t pc = 0;
  std::uint64_t sp = 0;
};

unwind::Registers registers_from(const user_regs_struct& regs) {
  unwind::Registers registers;
  const std::array<unsigned long long, unwind::kRegisterCount> values = {
      regs.rax, regs.rdx, regs.rcx, regs.rbx, regs.rsi, regs.rdi, regs.rbp, regs.rsp, regs.r8,
      regs.r9,  regs.r10, regs.r11, regs.r12, regs.r13, regs.r14, regs.r15, regs.rip};
  for (unsigned reg = 0; reg < unwind::kRegisterCount; ++reg) registers.set(reg, values[reg]);
  return registers;
}

class Observer {
 public:
  Observer() { truth_.reserve(kMaxFrames * 8); }

  int run() {
    if (ptrace(PTRACE_SEIZE, shared.main_tid, 0, PTRACE_O_TRACECLONE) != 0)
      return kExitNotPermitted;
    tracees_[0].tid = shared.main_tid;
    tracees_[0].bounds = shared.main_bounds;
    ptrace(PTRACE_INTERRUPT, shared.main_tid, 0, 0);
    while (active_ != 0) {
      int status = 0;
      const pid_t tid = waitpid(-1, &status, __WALL);
      if (tid < 0) {
        if (errno == EINTR) continue;
        return 1;
      }
      handle_stop(tid, status);
    }
    return 0;
  }

 private:
  void handle_stop(pid_t tid, int status);
  void examine(Tracee& tracee);

  Tracee& tracee_of(pid_t tid) {
    for (Tracee& tracee : tracees_) {
      if (tracee.tid == tid) return tracee;
    }
    for (Tracee& tracee : tracees_) {
      if (tracee.tid != 0) continue;
      tracee.tid = tid;
      tracee.bounds = announced_bounds;
      ++active_;
      return tracee;
    }
    shared.failed = true;
    return tracees_[0];
  }

  std::array<Tracee, kMaxThreads> tracees_;
  std::vector<std::uint64_t> truth_;
  std::size_t active_ = 1;
  std::uint64_t examined_ = 0;
};

void Observer::handle_stop(pid_t tid, int status) {
  Tracee& tracee = tracee_of(tid);
  if (!WIFSTOPPED(status)) {
    tracee.tid = 0;
    tracee.seen = false;
    --active_;
    return;
  }
  const int event = status >> 16;
  int deliver = 0;
  if (event == 0 && WSTOPSIG(status) != SIGTRAP) {
    deliver = WSTOPSIG(status);
    user_regs_struct regs;
    ptrace(PTRACE_GETREGS, tid, 0, &regs);
    tracee.pc = regs.rip;
    tracee.sp = regs.rsp;
    tracee.signalled = true;
  } else if (event != PTRACE_EVENT_CLONE) {
    examine(tracee);
  }
  if (shared.finished) {
    ptrace(PTRACE_DETACH, tid, 0, deliver);
    tracee.tid = 0;
    tracee.seen = false;
    --active_;
    return;
  }
  ptrace(PTRACE_SINGLESTEP, tid, 0, deliver);
}

void Observer::examine(Tracee& tracee) {
  user_regs_struct regs;
  if (ptrace(PTRACE_GETREGS, tracee.tid, 0, &regs) != 0) return;
  const unwind::Registers registers = registers_from(regs);
  if (!tracee.seen) {
    tracee.seen = true;
    std::array<std::uint64_t, kMaxFrames> frames;
    std::size_t callers = 0;
    if (tracee.tid == shared.main_tid) {
      // It spins in step_through(): its callers are ordinary functions, which nothing disputes.
      callers = walk_cfi(registers, tracee.bounds, frames.data(), kMaxFrames).depth - 1;
      shared.attached = true;
    }
    tracee.stack.start({frames.data() + 1, callers});
  } else if (regs.rip == tracee.pc && regs.rsp == tracee.sp) {
    return;  // one more round of a repeated string instruction
  } else if (tracee.signalled && regs.rsp - tracee.sp + 256 > 512) {
    // The kernel's frame is larger than anything one instruction can push, and may be anywhere.
    tracee.stack.enter_signal_handler(tracee.pc, tracee.sp, regs.rsp);
  } else {
    tracee.stack.step(tracee.pc, tracee.sp, regs.rsp);
  }
  tracee.signalled = false;
  tracee.pc = regs.rip;
  tracee.sp = regs.rsp;
  tracee.stack.frames(regs.rip, truth_);
  ++examined_;
  shared.tally->record(*shared.scenario, registers, tracee.bounds, truth_,
                       examined_ % shared.every == 0);
}

int observe(void* observer) { return static_cast<Observer*>(observer)->run(); }

void* host_observer(void* observer) {
  static std::array<std::byte, 1 << 20> stack;
  int status = 1 << 8;
  while (!shared.spinning) sched_yield();
  const int flags = CLONE_VM | CLONE_VFORK | SIGCHLD;
  const pid_t pid = clone(observe, stack.data() + stack.size(), flags, observer);
  if (pid > 0) waitpid(pid, &status, 0);
  shared.not_permitted = WIFEXITED(status) && WEXITSTATUS(status) == kExitNotPermitted;
  if (status != 0) shared.failed = true;
  shared.attached = true;  // or the main thread would spin for ever
  return nullptr;
}

}  // namespace

void announce_thread_stack(unwind::StackBounds bounds) { announced_bounds = bounds; }

unwind::StackBounds current_stack_bounds() {
  pthread_attr_t attributes;
  pthread_getattr_np(pthread_self(), &attributes);
  void* low = nullptr;
  std::size_t size = 0;
  pthread_attr_getstack(&attributes, &low, &size);
  pthread_attr_destroy(&attributes);
  const auto begin = reinterpret_cast<std::uintptr_t>(low);
  return {begin, begin + size};
}

Stepping step_through(void (*body)(), const volatile std::size_t& scenario, std::uint64_t every,
                      Tally& tally) {
  shared.main_tid = getpid();
  shared.main_bounds = current_stack_bounds();
  shared.scenario = &scenario;
  shared.every = every;
  shared.tally = &tally;
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
  Observer observer;
  pthread_t thread;
  if (pthread_create(&thread, nullptr, host_observer, &observer) != 0) return Stepping::kFailed;
  shared.spinning = true;
  while (!shared.attached) {
  }
  body();
  shared.finished = true;
  pthread_join(thread, nullptr);
  if (shared.not_permitted) return Stepping::kNotPermitted;
  return shared.failed ? Stepping::kFailed : Stepping::kDone;
}

}  // namespace otprof::test
