// SPDX-License-Identifier: Apache-2.0
//
// Keeps the agent inside its CPU budget by changing rates, never by dropping: says, once a second,
// how much less often than configured threads are sampled, how far the heap's interval is raised,
// and how deep stacks may be. Arithmetic alone: somebody else reads the clocks and puts into effect
// what is decided. Why it decides so: docs/design/008-governor.md. Any one thread.
//
// Promises: a rate is never above the configured one, and never below one sample for each second of
// a thread's CPU time; half of the budget is always left to sampling, whatever else the agent does.
#pragma once

#include <cstdint>

namespace otprof::agent {

// What has been spent since some moment, in ns but for the counts. Only differences matter.
struct Effort {
  std::uint64_t wall = 0;
  std::uint64_t process = 0;     // CPU time of the whole process
  std::uint64_t background = 0;  // of the agent's thread
  std::uint64_t cpu_samples = 0;
  std::uint64_t heap_samples = 0;
  std::uint64_t samples_taken = 0;
  std::uint64_t samples_slow = 0;  // longer than OTPROF_MAX_SAMPLE_LATENCY
};

enum class RateReason : std::uint8_t { kConfigured, kAdaptive, kBudget };

struct Rates {
  std::uint32_t cpu_factor = 1;      // one sample for so many configured periods
  std::uint32_t heap_doublings = 0;  // of the configured interval
  std::uint32_t max_depth = 0;
  RateReason cpu_reason = RateReason::kConfigured;
  bool operator==(const Rates&) const = default;
};

struct GovernorWish {
  double max_percent = 1;  // OTPROF_MAX_CPU_PERCENT
  std::uint32_t cpu_hz = 100;
  bool is_adaptive = false;        // OTPROF_SAMPLING=adaptive
  bool may_raise_interval = true;  // false: the heap is not the governor's
  std::uint32_t max_depth = 128;
};

// The share of one thing in another over about the last `memory` ns.
class RecentShare {
 public:
  // `credit`: as much of the whole without a part is taken to have been there before.
  explicit RecentShare(double memory, double credit = 0) : memory_(memory), whole_(credit) {}
  void add(double part, double whole, double elapsed) {
    const double kept = memory_ / (memory_ + elapsed);
    part_ = part_ * kept + part;
    whole_ = whole_ * kept + whole;
  }
  double value() const { return whole_ > 0 ? part_ / whole_ : 0; }

 private:
  double memory_;
  double part_ = 0;
  double whole_;
};

class Governor {
 public:
  // `now`: what was spent before is not judged.
  Governor(const GovernorWish& wish, const Effort& now);

  // The rate that was asked for has changed; what samples cost is still known.
  void set_cpu_hz(std::uint32_t hz);
  // From now on the CPU's rate stays as it is.
  void keep_cpu_rate() { keeps_cpu_rate_ = true; }
  bool keeps_cpu_rate() const { return keeps_cpu_rate_; }
  // The heap's interval was set; `may_raise`: as in GovernorWish.
  void set_heap_base(bool may_raise);
  // About once a second.
  const Rates& judge(const Effort& now);
  const Rates& rates() const { return rates_; }
  // What the agent takes at these rates, in percent of the CPU time that the process uses, or of one
  // CPU if that is more.
  double cost_percent(const Rates& rates) const;

 private:
  void judge_budget(double elapsed);
  void judge_load(double elapsed);
  void judge_depth(const Effort& since, double elapsed);
  void combine();
  std::uint32_t longest_factor() const { return wish_.cpu_hz < 65535 ? wish_.cpu_hz : 65535; }

  GovernorWish wish_;
  Effort last_;
  Rates rates_;
  RecentShare background_;
  RecentShare cpu_;   // at the configured rate, as far as one can tell
  RecentShare heap_;  // the same at the configured interval
  RecentShare busy_;  // CPUs
  bool keeps_cpu_rate_ = false;
  std::uint32_t budget_factor_ = 1;
  std::uint32_t load_factor_ = 1;
  // For how long a higher rate would have been possible, and the lowest of those.
  double cpu_calm_ = 0;
  std::uint32_t calm_factor_ = 1;
  double heap_calm_ = 0;
  double load_settled_;
  double depth_calm_ = 0;
};

}  // namespace otprof::agent
