// SPDX-License-Identifier: Apache-2.0
#include "agent/tick_correction.h"

#include <algorithm>

namespace otprof::agent {
namespace {

// ns. A thread that has run for so long has been found by a tick, of which there are 250 a second, but for one
// in ten thousand.
constexpr std::uint64_t kLeast = 40'000'000;
constexpr std::uint64_t kRecent = 1'000'000'000;
// Beyond this an account is wrong in another way than this is about.
constexpr double kMostRatio = 8;
// A thread that has had no sample for so many visits of the background thread is forgotten.
constexpr std::uint64_t kForgottenAfter = 256;

std::uint32_t rounded(double periods) {
  return static_cast<std::uint32_t>(std::max(periods + 0.5, 0.0));
}

}  // namespace

bool TickCorrection::Recent::update(const cpu::ThreadClocks& now) {
  now_ = now;
  if (now_.tick_ns - middle_.tick_ns < kRecent) {
    return false;
  }
  old_ = middle_;
  middle_ = now_;
  return true;
}

bool TickCorrection::Recent::is_known() const {
  return now_.precise_ns - old_.precise_ns >= kLeast && now_.tick_ns > old_.tick_ns;
}

double TickCorrection::Recent::ratio() const {
  const auto precise = static_cast<double>(now_.precise_ns - old_.precise_ns);
  const auto ticks = static_cast<double>(now_.tick_ns - old_.tick_ns);
  return std::clamp(precise / ticks, 1 / kMostRatio, kMostRatio);
}

void TickCorrection::begin_cycle(const cpu::ThreadClocks& ended) {
  ++cycle_;
  ended_.update(ended);
  if (cycle_ % kForgottenAfter == 0) {
    std::erase_if(threads_,
                  [&](const auto& entry) { return entry.second.cycle + kForgottenAfter < cycle_; });
  }
}

std::uint32_t TickCorrection::corrected(pid_t tid, std::uint32_t weight) {
  Thread& thread = threads_[tid];
  if (thread.cycle != cycle_) {
    const cpu::ThreadClocks now = read_(tid);
    if (now.precise_ns != 0 && thread.clocks.is_of_another(now)) {
      thread = Thread();
    }
    thread.cycle = cycle_;
    const double missing =
        thread.clocks.is_known() ? thread.told * thread.clocks.ratio() - thread.given : 0;
    // Nothing is to be made up for because the past that is looked at has become another.
    if (now.precise_ns != 0 && thread.clocks.update(now)) {
      thread.told = thread.told_lately;
      thread.told_lately = 0;
      thread.given = thread.told * thread.clocks.ratio() - missing;
    }
  }
  return give(thread, weight);
}

std::uint32_t TickCorrection::give(Thread& thread, std::uint32_t weight) {
  thread.told += weight;
  thread.told_lately += weight;
  std::uint32_t given = 0;
  if (thread.clocks.is_known()) {
    given = rounded(thread.told * thread.clocks.ratio() - thread.given);
  } else {
    ended_carry_ += weight * (ended_.is_known() ? ended_.ratio() : 1);
    given = static_cast<std::uint32_t>(ended_carry_);
    ended_carry_ -= given;
  }
  thread.given += given;
  return given;
}

}  // namespace otprof::agent
