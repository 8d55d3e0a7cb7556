// SPDX-License-Identifier: Apache-2.0
#include "agent/governor.h"

#include <algorithm>

namespace otprof::agent {
namespace {

constexpr double kSecond = 1e9;
// Closing a window is a burst that lower rates would not have prevented: it is spread over a minute.
constexpr double kBackgroundMemory = 60 * kSecond;
constexpr double kSampleMemory = 5 * kSecond;
constexpr double kLoadMemory = 4 * kSecond;
// A new rate takes this much of the room there is, so that chance does not change it again.
constexpr double kAim = 0.8;
// Rates rise again when that has been possible for so long, and makes a difference.
constexpr double kCpuCalm = 10 * kSecond;
constexpr double kHeapCalm = 30 * kSecond;
constexpr double kWorthwhile = 1.25;
constexpr std::uint32_t kMostDoublings = 16;
// Samples a second, over those aimed at, between which an adaptive rate stays.
constexpr double kTooMany = 1.5;
constexpr double kTooFew = 0.6;
constexpr double kLoadSettles = 5 * kSecond;
// A thread that loses its CPU while it is in the handler is slow, too, whatever the depth; with ten
// runnable threads for each CPU these are less than one in a hundred.
constexpr std::uint64_t kManySlow = 3;
constexpr std::uint64_t kSlowOneIn = 20;
constexpr std::uint32_t kLeastDepth = 16;
constexpr double kDepthCalm = 60 * kSecond;

std::uint32_t rounded_up(double value, std::uint32_t most) {
  if (value >= most) {
    return most;
  }
  const auto whole = static_cast<std::uint32_t>(std::max(value, 0.0));
  return std::max(1U, whole + (whole < value ? 1U : 0U));
}

double power_of_two(std::uint32_t exponent) { return static_cast<double>(1ULL << exponent); }

}  // namespace

Governor::Governor(const GovernorWish& wish, const Effort& now)
    : wish_(wish),
      last_(now),
      background_(kBackgroundMemory, kBackgroundMemory),
      cpu_(kSampleMemory),
      heap_(kSampleMemory),
      busy_(kLoadMemory),
      load_settled_(kLoadSettles) {
  rates_.max_depth = wish.max_depth;
  combine();
}

void Governor::set_cpu_hz(std::uint32_t hz) {
  wish_.cpu_hz = hz;
  cpu_ = RecentShare(kSampleMemory);
  budget_factor_ = 1;
  load_factor_ = std::min(load_factor_, longest_factor());
  cpu_calm_ = 0;
  combine();
}

void Governor::set_heap_base(bool may_raise) {
  wish_.may_raise_interval = may_raise;
  heap_ = RecentShare(kSampleMemory);
  rates_.heap_doublings = 0;
  heap_calm_ = 0;
}

double Governor::cost_percent(const Rates& rates) const {
  return 100 * (background_.value() + cpu_.value() / rates.cpu_factor +
                heap_.value() / power_of_two(rates.heap_doublings));
}

const Rates& Governor::judge(const Effort& now) {
  const Effort since = {.wall = now.wall - last_.wall,
                        .process = now.process - last_.process,
                        .background = now.background - last_.background,
                        .cpu_samples = now.cpu_samples - last_.cpu_samples,
                        .heap_samples = now.heap_samples - last_.heap_samples,
                        .samples_taken = now.samples_taken - last_.samples_taken,
                        .samples_slow = now.samples_slow - last_.samples_slow};
  if (since.wall == 0) {
    return rates_;
  }
  last_ = now;
  const auto elapsed = static_cast<double>(since.wall);
  const auto process = static_cast<double>(since.process);
  const double whole = std::max(elapsed, process);
  background_.add(static_cast<double>(since.background), whole, elapsed);
  cpu_.add(static_cast<double>(since.cpu_samples) * rates_.cpu_factor, whole, elapsed);
  heap_.add(static_cast<double>(since.heap_samples) * power_of_two(rates_.heap_doublings), whole,
            elapsed);
  busy_.add(process, elapsed, elapsed);
  judge_budget(elapsed);
  if (wish_.is_adaptive) {
    judge_load(elapsed);
  }
  judge_depth(since, elapsed);
  combine();
  return rates_;
}

void Governor::judge_budget(double elapsed) {
  const double budget = wish_.max_percent / 100;
  const double room = std::max(budget - background_.value(), budget / 2);
  const double cpu = cpu_.value() / rates_.cpu_factor;
  const double heap = heap_.value() / power_of_two(rates_.heap_doublings);
  // Each may use what the other leaves, and half of it in any case.
  const double cpu_room = std::max(room - heap, room / 2);
  const double heap_room = std::max(room - cpu, room / 2);

  const std::uint32_t wanted = rounded_up(cpu_.value() / (kAim * cpu_room), longest_factor());
  if (cpu > cpu_room) {
    budget_factor_ = wanted;
    cpu_calm_ = 0;
  } else if (wanted * kWorthwhile > budget_factor_) {
    cpu_calm_ = 0;
  } else {
    calm_factor_ = cpu_calm_ == 0 ? wanted : std::max(calm_factor_, wanted);
    cpu_calm_ += elapsed;
    if (cpu_calm_ >= kCpuCalm) {
      budget_factor_ = calm_factor_;
      cpu_calm_ = 0;
    }
  }

  std::uint32_t& doublings = rates_.heap_doublings;
  if (heap > heap_room && wish_.may_raise_interval) {
    while (heap_.value() / power_of_two(doublings) > kAim * heap_room &&
           doublings < kMostDoublings) {
      ++doublings;
    }
    heap_calm_ = 0;
  } else if (doublings == 0 || 2 * heap > kAim * heap_room) {
    heap_calm_ = 0;
  } else {
    heap_calm_ += elapsed;
    if (heap_calm_ >= kHeapCalm) {
      --doublings;
      heap_calm_ = 0;
    }
  }
}

// OTPROF_CPU_HZ samples a second, of all threads together, once more than one CPU is busy.
void Governor::judge_load(double elapsed) {
  load_settled_ += elapsed;
  const double busy = busy_.value();
  const double share = busy / load_factor_;
  const bool is_off = share > kTooMany || (share < kTooFew && load_factor_ > 1);
  if (is_off && load_settled_ >= kLoadSettles) {
    load_factor_ = rounded_up(busy - 0.5, longest_factor());
    load_settled_ = 0;
  }
}

void Governor::judge_depth(const Effort& since, double elapsed) {
  if (since.samples_slow >= kManySlow && since.samples_slow * kSlowOneIn > since.samples_taken) {
    rates_.max_depth = std::max(rates_.max_depth / 2, std::min(kLeastDepth, wish_.max_depth));
    depth_calm_ = 0;
    return;
  }
  depth_calm_ += elapsed;
  if (depth_calm_ >= kDepthCalm) {
    rates_.max_depth = std::min(rates_.max_depth * 2, wish_.max_depth);
    depth_calm_ = 0;
  }
}

void Governor::combine() {
  if (keeps_cpu_rate_) {
    return;
  }
  rates_.cpu_factor = std::max(budget_factor_, load_factor_);
  if (budget_factor_ > load_factor_) {
    rates_.cpu_reason = RateReason::kBudget;
  } else {
    rates_.cpu_reason = wish_.is_adaptive ? RateReason::kAdaptive : RateReason::kConfigured;
  }
}

}  // namespace otprof::agent
