// SPDX-License-Identifier: Apache-2.0
//
// Handler side (take_sample, monotonic_ns). Calls allowed there: the vdso's clock_gettime,
// memset/memcpy, the ring, the unwinder, thread_context.h. On an ordinary thread, no system
// call: the program may have sandboxed it so that any but a few end the process.
#include "agent/cpu/sampler.h"

#include <dlfcn.h>
#include <time.h>

#include <atomic>

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
std::atomic<bool> accepting{false};
std::atomic<std::uint64_t> outside_trace{0};
std::atomic<std::uint64_t> signals{0};
std::atomic<std::uint32_t> depth{0};
agent::SampleMeter meter;
ClockGettime vdso_clock_gettime = nullptr;

ClockGettime find_vdso_clock() noexcept {
  void* vdso = dlopen("linux-vdso.so.1", RTLD_LAZY | RTLD_LOCAL | RTLD_NOLOAD);
  return vdso == nullptr ? nullptr
                         : reinterpret_cast<ClockGettime>(dlsym(vdso, "__vdso_clock_gettime"));
}

}  // namespace

void configure_sampler(const SamplerConfig& new_config) noexcept {
  config = new_config;
  limit_depth(config.max_depth);
  meter.set_limit(config.slow_ns);
  if (vdso_clock_gettime == nullptr) {
    vdso_clock_gettime = find_vdso_clock();
  }
}

void accept_samples(bool accept) noexcept { accepting.store(accept, std::memory_order_relaxed); }

void limit_depth(std::uint32_t frames) noexcept { depth.store(frames, std::memory_order_relaxed); }
std::uint32_t depth_limit() noexcept { return depth.load(std::memory_order_relaxed); }

void count_signal() noexcept { signals.fetch_add(1, std::memory_order_relaxed); }
std::uint64_t signals_taken() noexcept { return signals.load(std::memory_order_relaxed); }
agent::SampleMeter::Reading sampling_cost() noexcept { return meter.read(); }

std::uint64_t periods_outside_trace() noexcept {
  return outside_trace.load(std::memory_order_relaxed);
}

std::uint64_t monotonic_ns() noexcept {
  timespec now{};
  if (vdso_clock_gettime == nullptr || vdso_clock_gettime(CLOCK_MONOTONIC, &now) != 0) {
    raw_syscall(SYS_clock_gettime, CLOCK_MONOTONIC, syscall_argument(&now));
  }
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(now.tv_nsec);
}

pid_t interrupted_tid(const ucontext_t& interrupted) noexcept {
  const unwind::Registers registers = unwind::registers_from_context(interrupted);
  return current_tid(own_stack_bounds(registers[unwind::kRsp]).high != 0);
}

void take_sample(const ucontext_t& interrupted, std::uint32_t weight, DueBy due) noexcept {
  if (!accepting.load(std::memory_order_relaxed)) {
    return;
  }
  const agent::ThreadContext context =
      has_thread_locals() ? agent::current_thread_context() : agent::ThreadContext{};
  if (config.only_in_trace && !agent::is_in_trace(context.link)) {
    outside_trace.fetch_add(weight, std::memory_order_relaxed);
    return;
  }
  const std::uint64_t begin = monotonic_ns();
  const std::uint32_t max_depth = depth_limit();
  const std::uint32_t label_words = agent::label_words(context.label_bytes);
  const std::uint32_t words = agent::kSampleWords + max_depth + label_words;
  std::uint64_t* record = config.ring->reserve(words);
  if (record == nullptr) {
    return;
  }
  std::uint64_t* frames = record + agent::kSampleWords;
  const unwind::Registers registers = unwind::registers_from_context(interrupted);
  const unwind::StackBounds bounds = own_stack_bounds(registers[unwind::kRsp]);
  const unwind::Walk walk = config.walk(registers, bounds, frames, max_depth);

  agent::Sample sample;
  sample.monotonic_ns = monotonic_ns();
  sample.tid = current_tid(bounds.high != 0);
  sample.weight = weight;
  sample.end = walk.end;
  sample.is_by_tick = due == DueBy::kTick;
  sample.depth = static_cast<std::uint16_t>(walk.depth);
  sample.label_bytes = context.label_bytes;
  sample.trace_id = context.link.trace_id;
  sample.span_id = context.link.span_id;
  agent::write_labels(context, frames + walk.depth);
  std::memcpy(record, &sample, sizeof sample);
  config.ring->commit(record, words, agent::kSampleWords + walk.depth + label_words);
  meter.count(sample.monotonic_ns - begin);
}

}  // namespace otprof::cpu
