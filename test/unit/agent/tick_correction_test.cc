// SPDX-License-Identifier: Apache-2.0
#include "agent/tick_correction.h"

#include <catch2/catch.hpp>
#include <cstdint>
#include <map>

using otprof::agent::TickCorrection;
using otprof::cpu::ThreadClocks;

namespace {

constexpr std::uint64_t kTick = 4'000'000;

std::map<pid_t, ThreadClocks> clocks;
ThreadClocks read_clocks(pid_t tid) noexcept {
  const auto found = clocks.find(tid);
  return found == clocks.end() ? ThreadClocks{} : found->second;
}

// A thread is found by `ticks` ticks, each of which is a sample; the scheduler says it has run for
// `ratio` times as long. What the samples are given, told to `correction` twenty at a time.
std::uint64_t run(TickCorrection& correction, pid_t tid, int ticks, double ratio) {
  std::uint64_t given = 0;
  for (int done = 0; done < ticks;) {
    const int batch = std::min(20, ticks - done);
    clocks[tid].tick_ns += static_cast<std::uint64_t>(batch) * kTick;
    clocks[tid].precise_ns += static_cast<std::uint64_t>(batch * ratio * kTick);
    correction.begin_cycle({});
    for (int i = 0; i < batch; ++i) {
      given += correction.corrected(tid, 1);
    }
    done += batch;
  }
  return given;
}

}  // namespace

TEST_CASE("a thread whose accounts agree is left as it is") {
  clocks.clear();
  TickCorrection correction(read_clocks);
  CHECK(run(correction, 1, 5000, 1.0) == 5000);
}

TEST_CASE("a thread is given what the scheduler says, found too seldom or too often") {
  clocks.clear();
  TickCorrection correction(read_clocks);
  for (const double ratio : {1.7, 0.84, 3.0, 0.5}) {
    clocks.clear();
    const pid_t tid = static_cast<pid_t>(ratio * 100);
    const auto given = static_cast<double>(run(correction, tid, 5000, ratio));
    CHECK(given == Approx(5000 * ratio).epsilon(0.002));
    // What has been has no weight: the ratio follows within some seconds, and sums stay right.
    const auto later = static_cast<double>(run(correction, tid, 5000, 1.0));
    CHECK(later == Approx(5000 + 125 * (ratio - 1)).margin(300 * std::abs(ratio - 1)));
  }
}

TEST_CASE("chance in the first ticks is made up for") {
  clocks.clear();
  TickCorrection correction(read_clocks);
  // 40 ms by the scheduler, found by one tick of ten; then as it should be.
  clocks[7] = {.precise_ns = 10 * kTick, .tick_ns = kTick};
  correction.begin_cycle({});
  std::uint64_t given = correction.corrected(7, 1);
  CHECK(given == 8);  // the most a sample is raised by
  given += run(correction, 7, 90, 1.0);
  CHECK(given == 100);
}

TEST_CASE("threads that are over have the ratio of all that have ended") {
  clocks.clear();
  TickCorrection correction(read_clocks);
  // Of 1000 threads of half a tick, 200 were found.
  correction.begin_cycle({.precise_ns = 500 * kTick, .tick_ns = 200 * kTick});
  std::uint64_t given = 0;
  for (pid_t tid = 1; tid <= 200; ++tid) {
    given += correction.corrected(tid, 1);
  }
  CHECK(given == 500);
}

TEST_CASE("without any ratio, weights stay as they are") {
  clocks.clear();
  TickCorrection correction(read_clocks);
  clocks[1] = {.precise_ns = kTick / 2, .tick_ns = kTick};
  correction.begin_cycle({.precise_ns = kTick, .tick_ns = kTick});
  for (int i = 0; i < 100; ++i) {
    CHECK(correction.corrected(1, 3) == 3);
    CHECK(correction.corrected(2, 1) == 1);
  }
}

TEST_CASE("another thread with the same id begins anew") {
  clocks.clear();
  TickCorrection correction(read_clocks);
  run(correction, 1, 500, 2.0);
  clocks[1] = {};
  CHECK(run(correction, 1, 500, 1.0) == 500);
}
