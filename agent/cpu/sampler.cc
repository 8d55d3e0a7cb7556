// SPDX-License-Identifier: Apache-2.0
//
// Handler side (take_sample, monotonic_ns). Calls allowed there: raw_syscall, the vdso's
// clock_gettime, memset/memcpy, the ring, the unwinder, current_trace_context.
#include "agent/cpu/sampler.h"

#include <dlfcn.h>
#include <linux/futex.h>
#include <sys/prctl.h>
#include <time.h>

#include "agent/cpu/stack_bounds.h"
#include "agent/raw_syscall.h"
#include "agent/sample.h"
#include "agent/thread_context.h"

namespace otprof::cpu {
namespace {

using agent::raw_syscall;
using agent::syscall_argument;
using ClockGettime = int (*)(clockid_t, timespec*);

SamplerConfig config;
ClockGettime vdso_clock_gettime = nullptr;

ClockGettime find_vdso_clock() noexcept {
  void* vdso = dlopen("linux-vdso.so.1", RTLD_LAZY | RTLD_LOCAL | RTLD_NOLOAD);
  return vdso == nullptr ? nullptr
                         : reinterpret_cast<ClockGettime>(dlsym(vdso, "__vdso_clock_gettime"));
}

void wake_background() noexcept {
  std::atomic_ref<std::uint32_t>(*config.wake_word).fetch_add(1, std::memory_order_release);
  raw_syscall(SYS_futex, syscall_argument(config.wake_word), FUTEX_WAKE_PRIVATE, 1);
}

}  // namespace

void configure_sampler(const SamplerConfig& new_config) noexcept {
  config = new_config;
  if (vdso_clock_gettime == nullptr) {
    vdso_clock_gettime = find_vdso_clock();
  }
}

std::uint64_t monotonic_ns() noexcept {
  timespec now{};
  if (vdso_clock_gettime == nullptr || vdso_clock_gettime(CLOCK_MONOTONIC, &now) != 0) {
    raw_syscall(SYS_clock_gettime, CLOCK_MONOTONIC, syscall_argument(&now));
  }
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(now.tv_nsec);
}

void take_sample(const ucontext_t& interrupted, std::uint32_t weight) noexcept {
  const std::uint32_t words = agent::kSampleWords + config.max_depth;
  const bool was_half_full = config.ring->is_half_full();
  std::uint64_t* record = config.ring->reserve(words);
  if (record == nullptr) {
    return;
  }
  std::uint64_t* frames = record + agent::kSampleWords;
  const unwind::Registers registers = unwind::registers_from_context(interrupted);
  const unwind::StackBounds bounds = own_stack_bounds(registers[unwind::kRsp]);
  const unwind::Walk walk = config.walk(registers, bounds, frames, config.max_depth);

  agent::Sample sample;
  sample.monotonic_ns = monotonic_ns();
  sample.tid = static_cast<std::int32_t>(raw_syscall(SYS_gettid));
  sample.weight = weight;
  sample.end = walk.end;
  sample.depth = static_cast<std::uint16_t>(walk.depth);
  if (has_thread_locals()) {
    const agent::TraceContext context = agent::current_trace_context();
    sample.trace_id = context.trace_id;
    sample.span_id = context.span_id;
  }
  raw_syscall(SYS_prctl, PR_GET_NAME, syscall_argument(sample.thread_name.data()));
  std::memcpy(record, &sample, sizeof sample);
  config.ring->commit(record, words, agent::kSampleWords + walk.depth);
  // Once per crossing, not once per sample: the background thread needs no second call.
  if (!was_half_full && config.ring->is_half_full()) {
    wake_background();
  }
}

}  // namespace otprof::cpu
