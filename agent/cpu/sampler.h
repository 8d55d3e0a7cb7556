// SPDX-License-Identifier: Apache-2.0
//
// Takes one CPU sample of the current thread: walks its stack and puts it into the ring. What every
// sampling engine's signal handler ends in.
#pragma once

#include <sys/types.h>
#include <ucontext.h>

#include <cstdint>

#include "agent/sample_meter.h"
#include "agent/sample_ring.h"
#include "agent/unwind/unwinder.h"

namespace otprof::cpu {

struct SamplerConfig {
  agent::SampleRing* ring = nullptr;
  unwind::Walker walk = nullptr;
  std::uint32_t max_depth = 128;
  bool only_in_trace = false;         // other samples are left out, and counted
  std::uint64_t slow_ns = 1'000'000;  // a sample that takes longer is counted as slow
};

// Before the first sample and, in a forked child, again before the first one there.
void configure_sampler(const SamplerConfig& config) noexcept;

// While false, samples are dropped as if they had not been due; so it is at first. Any thread.
void accept_samples(bool accept) noexcept;

// By which of a thread's clocks a sample is due.
enum class DueBy { kPreciseClock, kTick };

// Signal handler only, on the interrupted thread. `weight`: periods the sample stands for, >= 1.
void take_sample(const ucontext_t& interrupted, std::uint32_t weight, DueBy due) noexcept;

// Samples from now on, the heap's included, keep no more than this many frames, 1 .. max_depth. Any
// thread.
void limit_depth(std::uint32_t frames) noexcept;
std::uint32_t depth_limit() noexcept;

// Signal handler only: for each signal of an engine, whether a sample comes of it or not.
void count_signal() noexcept;
std::uint64_t signals_taken() noexcept;
// What take_sample() has cost. Any thread.
agent::SampleMeter::Reading sampling_cost() noexcept;

// Periods left out because no trace was active, since the process began. Any thread.
std::uint64_t periods_outside_trace() noexcept;

// The id of the thread that was interrupted. Signal handler only, on that thread.
pid_t interrupted_tid(const ucontext_t& interrupted) noexcept;

// CLOCK_MONOTONIC in ns through the vdso, whatever clock_gettime the host has put in between.
// Any thread, signal handlers included, after configure_sampler().
std::uint64_t monotonic_ns() noexcept;

}  // namespace otprof::cpu
