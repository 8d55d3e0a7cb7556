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

void TickCorrection::advance(Account& account, const cpu::ThreadClocks& now) {
  const double missing =
      account.clocks.is_known() ? account.told * account.clocks.ratio() - account.given : 0;
  // Nothing is to be made up for because the past that is looked at has become another.
  if (account.clocks.update(now)) {
    account.told = account.told_lately;
    account.told_lately = 0;
    account.given = account.told * account.clocks.ratio() - missing;
  }
}

void TickCorrection::begin_cycle(const cpu::ThreadClocks& ended) {
  ++cycle_;
  advance(ended_, ended);
  if (cycle_ % kForgottenAfter == 0) {
    std::erase_if(threads_,
                  [&](const auto& entry) { return entry.second.cycle + kForgottenAfter < cycle_; });
  }
}

std::uint32_t TickCorrection::corrected(pid_t tid, std::uint32_t weight) {
  Account& thread = threads_[tid];
  if (thread.cycle != cycle_) {
    const cpu::ThreadClocks now = read_(tid);
    if (now.precise_ns != 0 && thread.clocks.is_of_another(now)) {
      thread = Account();
    }
    thread.cycle = cycle_;
    if (now.precise_ns != 0) {
      advance(thread, now);
    }
  }
  thread.tell(weight);
  const std::uint32_t given = thread.clocks.is_known() ? thread.missing() : of_ended(weight);
  thread.given += given;
  return given;
}

std::uint32_t TickCorrection::of_ended(std::uint32_t weight) {
  ended_.tell(weight);
  const std::uint32_t given = ended_.clocks.is_known() ? ended_.missing() : weight;
  ended_.given += given;
  return given;
}

std::uint32_t TickCorrection::Account::missing() const {
  return rounded(told * clocks.ratio() - given);
}

}  // namespace otprof::agent
