// SPDX-License-Identifier: Apache-2.0
//
// Makes up for what is wrong with samples that are taken by the kernel's tick (thread_timers.h). The
// tick charges a whole tick to the thread that it finds. That is right on average where the tick comes
// at any moment of a thread's time; where threads compete for CPUs, these are handed out at the tick,
// too, and a thread is found too often or too seldom: by a third at eight runnable threads for a CPU.
// But the kernel keeps a precise account as well, of which a timer knows nothing: so each such sample
// is weighed by the ratio of the thread's two accounts.
//
// Each sample is given what is missing of that in its thread's sum so far, so chance in the first ticks is
// made up for. A thread that is over, or has used too little CPU time to have been found for certain, is
// weighed by the ratio of all short threads that have ended (cpu::ended_threads()): those that no tick has
// found are in that. Weights are whole, so a sample may come out with a weight of 0.
//
// Background thread only.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <unordered_map>

#include "agent/cpu/thread_clocks.h"

namespace otprof::agent {

class TickCorrection {
 public:
  using ReadClocks = cpu::ThreadClocks (*)(pid_t tid) noexcept;
  explicit TickCorrection(ReadClocks read = cpu::clocks_of) : read_(read) {}

  // Samples that follow were taken before now. `ended`: of all threads that have, so far.
  void begin_cycle(const cpu::ThreadClocks& ended);
  // What a sample of `tid` counts for, instead of `weight`.
  std::uint32_t corrected(pid_t tid, std::uint32_t weight);

 private:
  // The two accounts over the recent past: since some moment that moves on.
  class Recent {
   public:
    // True when that moment has moved.
    bool update(const cpu::ThreadClocks& now);
    // Whether these are of another thread, which has got the id.
    bool is_of_another(const cpu::ThreadClocks& now) const { return now.tick_ns < now_.tick_ns; }
    // By the precise account: the other would select those that were found too often.
    bool is_known() const;
    double ratio() const;

   private:
    cpu::ThreadClocks now_;
    cpu::ThreadClocks middle_;
    cpu::ThreadClocks old_;
  };
  // Of one thread, or of all that are weighed together.
  struct Account {
    Recent clocks;
    std::uint64_t cycle = 0;  // in which they were read
    // Periods since the moment at which `clocks` begins: that the ticks told, and that were given.
    double told = 0;
    double given = 0;
    double told_lately = 0;  // the same, since that moment will move to
    void tell(std::uint32_t weight) {
      told += weight;
      told_lately += weight;
    }
    // What a sample has to be given for the sum to be right; whole, 0 if it is too high already.
    std::uint32_t missing() const;
  };
  static void advance(Account& account, const cpu::ThreadClocks& now);
  std::uint32_t of_ended(std::uint32_t weight);

  ReadClocks read_;
  std::uint64_t cycle_ = 0;
  Account ended_;
  std::unordered_map<pid_t, Account> threads_;
};

}  // namespace otprof::agent
