// SPDX-License-Identifier: Apache-2.0
//
// CPU sampling over the life of the process: starts the engine that works here, replaces it when the
// program takes its signal away, lets a debugger work undisturbed, and knows what is to be said of
// all that in a profile. Background thread only.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/cpu/engine.h"
#include "agent/governor.h"
#include "agent/options.h"
#include "agent/sampling_facts.h"

namespace otprof::agent {

class CpuSampling {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  explicit CpuSampling(const Options& options) : options_(options), rate_reason_(usual_reason()) {}

  // At `hz` samples for each second of CPU time. False when CPU is wanted but cannot be sampled; the
  // reason has been logged.
  bool start(std::uint64_t hz);
  void stop();
  // Until the next start().
  void suspend();
  // For good, which is said.
  void end(const char* why);
  // False when the engine did not start again. At the rate itself, whatever factor there was.
  bool change_rate(std::uint64_t hz);
  // One sample for `factor` periods of the rate, 1 .. hz, each of which weighs so much.
  void change_factor(std::uint32_t factor, RateReason reason);
  // False from the moment the program puts a filter on its system calls: an engine that is stopped then
  // could not start again.
  static bool may_change_factor();
  double effective_hz() const { return static_cast<double>(hz_) / factor_; }
  // Of each signal, beside what its handler does, ns. May take 3 ms the first time.
  std::uint64_t signal_cost_ns() const {
    return engine_ == nullptr ? 0 : engine_->signal_cost_ns();
  }
  bool is_on() const { return state_ == State::kOn; }
  bool is_lost() const { return state_ == State::kLost; }
  // For as long as the process lives.
  const char* engine_name() const { return engine_ == nullptr ? "none" : engine_->name(); }
  // Several times a second.
  void check();
  // Once a second. `is_traced`: a debugger is attached, which each sample would stop.
  void look_after(bool is_traced);
  // At the end of a window: brings the facts up to date.
  void survey();
  const SamplingFacts& facts() const { return facts_; }
  void begin_window() { facts_.paused = std::chrono::microseconds(0); }

 private:
  enum class State { kOn, kPaused, kSuspended, kAwaitingGo, kLost };

  // As long as the budget has no say.
  RateReason usual_reason() const {
    return options_.sampling.mode == SamplingMode::kAdaptive ? RateReason::kAdaptive
                                                             : RateReason::kConfigured;
  }
  bool start_engine();
  bool open_engine();
  void note_period();
  bool is_go_ready() const;
  void count_pause();
  void warn_of_unsampled();

  const Options& options_;
  State state_ = State::kLost;
  std::unique_ptr<cpu::Engine> engine_;
  std::uint64_t hz_ = 0;
  std::uint32_t factor_ = 1;
  RateReason rate_reason_;  // of factor_
  SamplingFacts facts_;
  bool is_go_ = false;
  TimePoint go_ready_by_{};
  TimePoint pause_counted_{};
  struct Suspect {
    pid_t tid;
    std::uint64_t cpu_time;
  };
  std::vector<Suspect> suspects_;  // threads that blocked the signal when last looked at
  TimePoint next_suspicion_{};
  bool has_warned_ = false;
  bool is_over_ = false;
};

}  // namespace otprof::agent
