// SPDX-License-Identifier: Apache-2.0
#include "agent/effort_meter.h"

#include <utility>

#include "agent/cpu/sampler.h"
#include "agent/heap/heap_sampler.h"
#include "agent/usage.h"

namespace otprof::agent {
namespace {

// A process with fewer is not worth measuring what they cost.
constexpr std::uint64_t kSomeSignals = 10;

}  // namespace

EffortMeter::EffortMeter(bool has_heap)
    : has_heap_(has_heap),
      signals_before_(cpu::signals_taken()),
      cpu_spent_before_(cpu::sampling_cost().spent_ns) {}

Effort EffortMeter::read(const CpuSampling& sampling) {
  const auto cpu = cpu::sampling_cost();
  const auto heap = has_heap_ ? heap::heap_sampling_cost() : SampleMeter::Reading{};
  const std::uint64_t signals = cpu::signals_taken();
  if (signals - signals_before_ >= kSomeSignals || cpu_samples_ns_ != 0) {
    cpu_samples_ns_ += (signals - signals_before_) * sampling.signal_cost_ns();
    cpu_samples_ns_ += cpu.spent_ns - std::exchange(cpu_spent_before_, cpu.spent_ns);
    signals_before_ = signals;
  }
  return {.wall = cpu::monotonic_ns(),
          .process = process_cpu_ns(),
          .background = own_cpu_ns(),
          .cpu_samples = cpu_samples_ns_,
          .heap_samples = heap.spent_ns,
          .samples_taken = cpu.samples + heap.samples,
          .samples_slow = cpu.slow + heap.slow};
}

}  // namespace otprof::agent
