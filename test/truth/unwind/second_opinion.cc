// SPDX-License-Identifier: Apache-2.0
//
// A library to preload into any program: a thousand times per second of CPU time it interrupts the
// program, walks the stack with walk_cfi() and with walk_libunwind(), and at exit tells on stderr how
// often the two agreed and how the walks ended.
// Usage: LD_PRELOAD=.../libsecond_opinion.so PROGRAM...
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "agent/unwind/libunwind_walker.h"
#include "agent/unwind/module.h"
#include "agent/unwind/unwinder.h"

namespace {

namespace unwind = otprof::unwind;

constexpr std::uint32_t kMaxFrames = 256;
constexpr std::size_t kMaxFindings = 24;
constexpr std::size_t kShownFrames = 12;

struct Finding {
  std::uint32_t depths[2];
  unwind::StackEnd ends[2];
  std::array<std::uint64_t, kShownFrames> frames[2];
};

unwind::StackBounds main_bounds;
std::atomic<std::uint64_t> samples{0};
std::atomic<std::uint64_t> agreed{0};
std::array<std::atomic<std::uint64_t>, static_cast<std::size_t>(unwind::StackEnd::kCount)> ends{};
std::array<Finding, kMaxFindings> findings;
std::atomic<std::size_t> finding_count{0};

// Other threads' stacks end at the latest at their control block, which glibc puts above them.
unwind::StackBounds bounds_of(std::uint64_t rsp) {
  if (rsp >= main_bounds.low && rsp < main_bounds.high) return main_bounds;
  std::uintptr_t control_block = 0;
  __asm__("movq %%fs:16, %0" : "=r"(control_block));
  return {rsp - 4096, control_block};
}

void on_tick(int, siginfo_t*, void* context) {
  const int saved_errno = errno;
  std::array<std::array<std::uint64_t, kMaxFrames>, 2> frames;
  const auto registers = unwind::registers_from_context(*static_cast<ucontext_t*>(context));
  const unwind::StackBounds bounds = bounds_of(registers[unwind::kRsp]);
  const std::array<unwind::Walk, 2> walks = {
      unwind::walk_cfi(registers, bounds, frames[0].data(), kMaxFrames),
      unwind::walk_libunwind(registers, bounds, frames[1].data(), kMaxFrames)};
  ++samples;
  ++ends[static_cast<std::size_t>(walks[0].end)];
  if (walks[0].depth == walks[1].depth &&
      std::equal(frames[0].begin(), frames[0].begin() + walks[0].depth, frames[1].begin())) {
    ++agreed;
  } else if (const std::size_t index = finding_count++; index < kMaxFindings) {
    for (unsigned i = 0; i < 2; ++i) {
      findings[index].depths[i] = walks[i].depth;
      findings[index].ends[i] = walks[i].end;
      std::copy_n(frames[i].begin(), std::min<std::size_t>(kShownFrames, walks[i].depth),
                  findings[index].frames[i].begin());
    }
  }
  errno = saved_errno;
}

void print(const char* who, const Finding& finding, unsigned i) {
  std::fprintf(stderr, "  %s: %u frames, ended %s\n", who, finding.depths[i],
               stack_end_name(finding.ends[i]));
  for (const std::uint64_t frame : finding.frames[i]) {
    if (frame == 0) break;
    Dl_info info{};
    dladdr(reinterpret_cast<void*>(frame), &info);
    std::fprintf(stderr, "    %s+0x%lx %s\n", info.dli_fname != nullptr ? info.dli_fname : "?",
                 frame - reinterpret_cast<std::uint64_t>(info.dli_fbase),
                 info.dli_sname != nullptr ? info.dli_sname : "");
  }
}

timer_t timer;

[[gnu::constructor]] void start() {
  pthread_attr_t attributes;
  pthread_getattr_np(pthread_self(), &attributes);
  void* low = nullptr;
  std::size_t size = 0;
  pthread_attr_getstack(&attributes, &low, &size);
  pthread_attr_destroy(&attributes);
  main_bounds = {reinterpret_cast<std::uintptr_t>(low),
                 reinterpret_cast<std::uintptr_t>(low) + size};
  unwind::prepare_libunwind();
  unwind::know_loaded_modules();
  struct sigaction action {};
  action.sa_sigaction = on_tick;
  action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  sigaction(SIGPROF, &action, nullptr);
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGPROF;
  timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer);
  const itimerspec period = {{0, 1000000}, {0, 1000000}};
  timer_settime(timer, 0, &period, nullptr);
}

[[gnu::destructor]] void report() {
  timer_delete(timer);
  std::fprintf(stderr, "second opinion: %lu samples, %lu agreed;", samples.load(), agreed.load());
  for (std::size_t end = 0; end < ends.size(); ++end) {
    if (ends[end] == 0) continue;
    std::fprintf(stderr, " %s %lu", stack_end_name(static_cast<unwind::StackEnd>(end)),
                 ends[end].load());
  }
  std::fprintf(stderr, "\n");
  for (std::size_t i = 0; i < std::min(finding_count.load(), kMaxFindings); ++i) {
    std::fprintf(stderr, "disagreement %zu\n", i + 1);
    print("walk_cfi", findings[i], 0);
    print("walk_libunwind", findings[i], 1);
  }
}

}  // namespace
