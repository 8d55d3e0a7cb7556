// SPDX-License-Identifier: Apache-2.0
//
// The session's part in keeping to OTPROF_MAX_CPU_PERCENT: puts into effect what the governor says.
#include <string>

#include "agent/cpu/sampler.h"
#include "agent/log.h"
#include "agent/session.h"

namespace otprof::agent {
namespace {

// A non-negative number to two digits after the point, without those that are zero at the end.
std::string number(double value) {
  const std::uint64_t hundredths = static_cast<std::uint64_t>(value * 1000 + 5) / 10;
  std::string text = std::to_string(hundredths / 100);
  if (hundredths % 100 != 0) {
    text += {'.', static_cast<char>('0' + hundredths / 10 % 10)};
    if (hundredths % 10 != 0) {
      text += static_cast<char>('0' + hundredths % 10);
    }
  }
  return text;
}

}  // namespace

void Session::begin_budget() {
  effort_meter_.emplace(heap_ != nullptr);
  const std::uint64_t interval = wishes().heap_interval != 0
                                     ? wishes().heap_interval
                                     : static_cast<std::uint64_t>(options_.heap_interval);
  governor_.emplace(GovernorWish{.max_percent = options_.max_cpu_percent,
                                 .cpu_hz = static_cast<std::uint32_t>(cpu_hz()),
                                 .is_adaptive = options_.sampling.mode == SamplingMode::kAdaptive,
                                 .may_raise_interval = heap_ != nullptr && interval > 1,
                                 .max_depth = static_cast<std::uint32_t>(options_.max_stack_depth)},
                    effort_meter_->read(sampling_));
}

void Session::keep_budget() {
  if (!CpuSampling::may_change_factor() && !governor_->keeps_cpu_rate()) {
    governor_->keep_cpu_rate();
    log_info("the program has put a filter on its system calls; the rate of CPU samples stays");
  }
  const Rates before = governor_->rates();
  const Rates& now = governor_->judge(effort_meter_->read(sampling_));
  if (now == before) {
    return;
  }
  const std::string cost =
      number(governor_->cost_percent(before)) + " % of the CPU time was the profiler's";
  if (now.cpu_factor != before.cpu_factor) {
    sampling_.change_factor(now.cpu_factor, now.cpu_reason);
    log_info("CPU is now sampled at " + number(sampling_.effective_hz()) + " Hz (" +
             sampling_.facts().period_reason + "): " + cost);
  }
  if (now.heap_doublings != before.heap_doublings) {
    heap_->raise_interval(now.heap_doublings);
    log_info("the heap's interval is now " + std::to_string(heap_->interval()) + " bytes: " + cost);
  }
  if (now.max_depth != before.max_depth) {
    cpu::limit_depth(now.max_depth);
    log_info("stacks are now kept to a depth of " + std::to_string(now.max_depth) +
             (now.max_depth < before.max_depth ? ": samples took longer than "
                                                 "OTPROF_MAX_SAMPLE_LATENCY"
                                               : ""));
  }
  tell_budget_once(before, now, cost);
}

// Who asks for a rate is told when it cannot be.
void Session::tell_budget_once(const Rates& before, const Rates& now, const std::string& cost) {
  const bool is_cpu = now.cpu_factor > before.cpu_factor && now.cpu_reason == RateReason::kBudget &&
                      options_.is_given(OptionId::cpu_hz);
  const bool is_heap =
      now.heap_doublings > before.heap_doublings && options_.is_given(OptionId::heap_interval);
  if (has_told_budget_ || (!is_cpu && !is_heap)) {
    return;
  }
  has_told_budget_ = true;
  log_warning(std::string(is_cpu ? "OTPROF_CPU_HZ" : "OTPROF_HEAP_INTERVAL") +
              " asks for more than OTPROF_MAX_CPU_PERCENT=" + number(options_.max_cpu_percent) +
              " allows (" + cost + "); sampling less often, each sample counting for more");
}

}  // namespace otprof::agent
