// SPDX-License-Identifier: Apache-2.0
//
// Handler side (on_trap). Calls allowed there: take_sample, pass_on_signal, memcpy.
#include "agent/cpu/trap_signal.h"

#include <signal.h>
#include <ucontext.h>

#include <atomic>
#include <cstddef>
#include <cstring>

#include "agent/cpu/sampler.h"
#include "interpose/hooks.h"

namespace otprof::cpu {
namespace {

constexpr int kTrapPerf = 6;                 // TRAP_PERF, linux >= 5.13
constexpr std::size_t kPerfDataOffset = 24;  // siginfo_t._sifields._sigfault._perf._data

std::atomic<bool> accepting{false};

bool is_ours(const siginfo_t& info) noexcept {
  std::uint64_t tag = 0;
  std::memcpy(&tag, reinterpret_cast<const char*>(&info) + kPerfDataOffset, sizeof tag);
  return info.si_code == kTrapPerf && tag == kTrapTag;
}

void on_trap(int signal, siginfo_t* info, void* context) noexcept {
  if (!is_ours(*info)) {
    interpose::pass_on_signal(signal, info, context);
  } else if (accepting.load(std::memory_order_relaxed)) {
    take_sample(*static_cast<const ucontext_t*>(context), 1);
  }
}

}  // namespace

bool install_trap_handler() noexcept { return interpose::guard_signal(SIGTRAP, on_trap); }

void accept_traps(bool accept) noexcept { accepting.store(accept, std::memory_order_relaxed); }

bool owns_trap_signal() noexcept { return interpose::owns_signal(SIGTRAP); }

}  // namespace otprof::cpu
