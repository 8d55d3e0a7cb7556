// SPDX-License-Identifier: Apache-2.0
// A process whose costs are known, judged second after second.
#include "agent/governor.h"

#include <algorithm>
#include <catch2/catch.hpp>

using otprof::agent::Effort;
using otprof::agent::Governor;
using otprof::agent::RateReason;
using otprof::agent::Rates;

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

// Its samples cost what they do, in proportion to their number; nothing is random.
struct Process {
  double busy = 1;                      // CPUs
  std::uint64_t sample_ns = 20'000;     // of a CPU sample
  double background = 0.001;            // CPUs
  double heap_at_first = 0;             // CPUs, at the configured interval
  std::uint64_t most_per_second = ~0U;  // per CPU: of the timer engine, the kernel's ticks
  std::uint64_t hz = 100;

  Effort effort{};
  void live_for_a_second(const Rates& rates) {
    const auto wanted = static_cast<double>(hz) / rates.cpu_factor;
    const double samples = busy * std::min(wanted, static_cast<double>(most_per_second));
    effort.wall += kSecond;
    effort.process += static_cast<std::uint64_t>(busy * kSecond);
    effort.background += static_cast<std::uint64_t>(background * kSecond);
    effort.cpu_samples += static_cast<std::uint64_t>(samples * static_cast<double>(sample_ns));
    effort.heap_samples += static_cast<std::uint64_t>(
        heap_at_first * kSecond / static_cast<double>(1U << rates.heap_doublings));
    effort.samples_taken += static_cast<std::uint64_t>(samples);
  }
  // How often the CPU rate changed.
  int live(Governor& governor, int seconds) {
    int changes = 0;
    for (int i = 0; i < seconds; ++i) {
      live_for_a_second(governor.rates());
      const std::uint32_t before = governor.rates().cpu_factor;
      changes += governor.judge(effort).cpu_factor != before ? 1 : 0;
    }
    return changes;
  }
};

}  // namespace

TEST_CASE("the default rate is left alone, whatever the number of busy threads") {
  for (const double busy : {0.0, 0.5, 2.0, 64.0}) {
    Process process{.busy = busy};
    Governor governor({}, process.effort);
    CHECK(process.live(governor, 100) == 0);
    CHECK(governor.rates() == Rates{.max_depth = 128});
    CHECK(governor.cost_percent(governor.rates()) < 0.4);
  }
}

TEST_CASE("a rate that costs too much is lowered at once, into the budget, and then stays") {
  for (const std::uint64_t hz : {1000U, 10'000U}) {
    Process process{.hz = hz};
    Governor governor({.cpu_hz = static_cast<std::uint32_t>(hz)}, process.effort);
    CHECK(process.live(governor, 2) >= 1);
    process.live(governor, 20);
    CHECK(governor.cost_percent(governor.rates()) <= 1);
    CHECK(governor.cost_percent(governor.rates()) > 0.6);
    CHECK(governor.rates().cpu_reason == RateReason::kBudget);
    CHECK(process.live(governor, 200) <= 1);
  }
}

TEST_CASE("where only ticks make samples, a rate above them is lowered far enough") {
  Process process{.background = 0.0001, .most_per_second = 250, .hz = 1000};
  Governor governor({.max_percent = 0.1, .cpu_hz = 1000}, process.effort);
  process.live(governor, 60);
  CHECK(governor.cost_percent(governor.rates()) <= 0.1);
  CHECK(process.live(governor, 200) <= 1);
}

TEST_CASE("no rate is lowered below one sample a second") {
  Process process{.sample_ns = 100'000'000, .hz = 100};
  Governor governor({.max_percent = 0.01}, process.effort);
  process.live(governor, 10);
  CHECK(governor.rates().cpu_factor == 100);
  Process slow{.sample_ns = 100'000'000, .hz = 1};
  Governor unchangeable({.max_percent = 0.01, .cpu_hz = 1}, slow.effort);
  slow.live(unchangeable, 10);
  CHECK(unchangeable.rates().cpu_factor == 1);
}

TEST_CASE("the rate rises again when samples get cheap, not before that has lasted") {
  Process process{.hz = 1000};
  Governor governor({.cpu_hz = 1000}, process.effort);
  process.live(governor, 20);
  CHECK(governor.rates().cpu_factor > 1);
  process.busy = 0.05;
  CHECK(process.live(governor, 9) == 0);
  process.live(governor, 40);
  CHECK(governor.rates().cpu_factor == 1);
  CHECK(governor.rates().cpu_reason == RateReason::kConfigured);
}

TEST_CASE("what the agent's thread does in bursts leaves half of the budget to samples") {
  Process process{};
  Governor governor({}, process.effort);
  process.live(governor, 10);
  for (int window = 0; window < 5; ++window) {
    process.effort.background += kSecond / 2;
    CHECK(process.live(governor, 60) == 0);
  }
  process.background = 0.5;
  CHECK(process.live(governor, 300) == 0);
}

TEST_CASE(
    "the heap's interval is raised for the heap's cost, the CPU's rate is not lowered for it") {
  Process process{.heap_at_first = 0.05};
  Governor governor({}, process.effort);
  CHECK(process.live(governor, 30) == 0);
  CHECK(governor.rates().heap_doublings >= 3);
  CHECK(governor.cost_percent(governor.rates()) <= 1);
  const std::uint32_t raised = governor.rates().heap_doublings;
  process.live(governor, 200);
  CHECK(governor.rates().heap_doublings == raised);
  process.heap_at_first = 0;
  process.live(governor, 20);
  CHECK(governor.rates().heap_doublings == raised);
  process.live(governor, 300);
  CHECK(governor.rates().heap_doublings == 0);
}

TEST_CASE("an interval that is not the governor's stays") {
  Process process{.heap_at_first = 0.5};
  Governor governor({.may_raise_interval = false}, process.effort);
  CHECK(process.live(governor, 30) == 0);
  CHECK(governor.rates().heap_doublings == 0);
}

TEST_CASE("an adaptive rate is that of the whole process, give or take a half") {
  Process process{.busy = 0.2};
  Governor governor({.is_adaptive = true}, process.effort);
  process.live(governor, 20);
  CHECK(governor.rates() ==
        Rates{.cpu_factor = 1, .max_depth = 128, .cpu_reason = RateReason::kAdaptive});
  process.busy = 16;
  process.live(governor, 40);
  CHECK(16.0 / governor.rates().cpu_factor >= 0.6);
  CHECK(16.0 / governor.rates().cpu_factor <= 1.5);
  CHECK(process.live(governor, 100) <= 1);
  process.busy = 0.5;
  process.live(governor, 12);
  CHECK(governor.rates().cpu_factor <= 3);
  process.live(governor, 20);
  CHECK(governor.rates().cpu_factor == 1);
}

TEST_CASE("an adaptive rate does not swing with a load that does") {
  Process process{};
  Governor governor({.is_adaptive = true}, process.effort);
  int changes = 0;
  for (int i = 0; i < 100; ++i) {
    process.busy = i % 2 == 0 ? 1.2 : 1.6;
    changes += process.live(governor, 1);
  }
  CHECK(changes == 0);
  process.busy = 2;
  CHECK(process.live(governor, 20) == 1);
  for (int i = 0; i < 10; ++i) {
    process.busy = i % 2 == 0 ? 2.8 : 1.3;
    changes += process.live(governor, 20);
  }
  CHECK(changes == 0);
}

TEST_CASE("another configured rate begins afresh") {
  Process process{.hz = 5000};
  Governor governor({.cpu_hz = 5000}, process.effort);
  process.live(governor, 10);
  CHECK(governor.rates().cpu_factor > 1);
  governor.set_cpu_hz(50);
  CHECK(governor.rates().cpu_factor == 1);
  process.hz = 50;
  CHECK(process.live(governor, 100) == 0);
}

TEST_CASE("a rate that must stay does, the heap's interval does not") {
  Process process{.heap_at_first = 0.05, .hz = 5000};
  Governor governor({.cpu_hz = 5000}, process.effort);
  governor.keep_cpu_rate();
  CHECK(process.live(governor, 20) == 0);
  CHECK(governor.rates().heap_doublings > 0);
}

TEST_CASE("stacks get shorter while many samples are slow, and longer again") {
  Process process{};
  Governor governor({}, process.effort);
  for (int i = 0; i < 10; ++i) {
    process.effort.samples_slow += 2;  // as threads do that lose their CPU
    process.live(governor, 1);
  }
  process.busy = 0.1;
  for (int i = 0; i < 10; ++i) {
    process.effort.samples_slow += 2;  // of ten
    process.live(governor, 1);
  }
  CHECK(governor.rates().max_depth == 128);
  process.busy = 1;
  for (int i = 0; i < 10; ++i) {
    process.effort.samples_slow += 50;
    process.live(governor, 1);
  }
  CHECK(governor.rates().max_depth == 16);
  process.live(governor, 59);
  CHECK(governor.rates().max_depth == 16);
  process.live(governor, 200);
  CHECK(governor.rates().max_depth == 128);
}
