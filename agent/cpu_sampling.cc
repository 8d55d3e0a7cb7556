// SPDX-License-Identifier: Apache-2.0
#include "agent/cpu_sampling.h"

#include <signal.h>
#include <string.h>

#include <utility>

#include "agent/cpu/sampler.h"
#include "agent/cpu/thread_timers.h"
#include "agent/go_program.h"
#include "agent/log.h"
#include "agent/process_status.h"
#include "interpose/hooks.h"

namespace otprof::agent {

using std::chrono::steady_clock;

namespace {

// Libc blocks every signal for a moment, as when it makes a thread; so a thread counts only when it
// is found so twice, and has used CPU time for a sample in between.
constexpr std::chrono::seconds kSuspectEvery{10};
constexpr std::size_t kMostSuspects = 512;
// A Go runtime that has not installed its handlers by then never will.
constexpr std::chrono::seconds kGoStartLimit{5};

}  // namespace

bool CpuSampling::start(std::uint64_t hz) {
  hz_ = hz;
  note_period();
  if (!options_.cpu) {
    facts_.reason = "OTPROF_CPU is false";
    return true;
  }
  if (is_over_) {
    return false;
  }
  if (read_process_status().is_traced) {
    log_info("started under a debugger; sampling begins when it leaves");
    state_ = State::kPaused;
    facts_.reason = "paused for a debugger";
    pause_counted_ = steady_clock::now();
    return true;
  }
  if (is_go_program() && !is_go_) {
    is_go_ = true;
    state_ = State::kAwaitingGo;
    facts_.reason = "waiting for the Go runtime to install its handlers";
    go_ready_by_ = steady_clock::now() + kGoStartLimit;
    return true;
  }
  return start_engine();
}

bool CpuSampling::is_go_ready() const {
  return interpose::has_handler(SIGPROF) || steady_clock::now() >= go_ready_by_;
}

bool CpuSampling::start_engine() {
  if (!open_engine()) {
    return false;
  }
  const std::string line = std::string("CPU is sampled by the ") + engine_->name() + " engine at " +
                           std::to_string(hz_) + " Hz (" + facts_.reason + ")";
  log_info(line);
  return true;
}

bool CpuSampling::open_engine() {
  const auto choice =
      is_go_ ? cpu::EngineChoice::kTimer : static_cast<cpu::EngineChoice>(options_.cpu_engine);
  std::string failed;
  engine_.reset();  // the one before must not end, and refuse signals, after this one has begun
  engine_ = cpu::start_engine({.choice = choice,
                               .include_kernel = options_.include_syscalls,
                               .rate = {.period_ns = 1'000'000'000U / hz_, .factor = factor_}},
                              failed);
  if (engine_ == nullptr) {
    state_ = State::kLost;
    facts_.engine = "none";
    facts_.reason = std::move(failed);
    log_warning("CPU is not sampled: " + facts_.reason);
    return false;
  }
  state_ = State::kOn;
  facts_.engine = engine_->name();
  const bool is_free_choice = choice == cpu::EngineChoice::kAuto;
  if (!failed.empty()) {
    facts_.reason = std::move(failed);
  } else if (is_go_) {
    facts_.reason = "a Go program, whose runtime owns SIGTRAP";
  } else {
    facts_.reason = is_free_choice ? "the first that auto tries" : "asked for by OTPROF_CPU_ENGINE";
  }
  return true;
}

void CpuSampling::note_period() {
  facts_.period_ns = 1'000'000'000U / hz_ * factor_;
  switch (rate_reason_) {
    case RateReason::kConfigured: facts_.period_reason = "as configured"; break;
    case RateReason::kAdaptive: facts_.period_reason = "OTPROF_SAMPLING=adaptive"; break;
    case RateReason::kBudget: facts_.period_reason = "OTPROF_MAX_CPU_PERCENT"; break;
  }
}

void CpuSampling::stop() {
  if (engine_ != nullptr) {
    engine_->stop();
  }
}

void CpuSampling::suspend() {
  stop();
  if (options_.cpu) {
    state_ = State::kSuspended;
    facts_.reason = "suspended";
  }
}

void CpuSampling::end(const char* why) {
  stop();
  is_over_ = true;
  if (!options_.cpu) {
    return;
  }
  if (state_ != State::kLost) {
    log_warning(std::string("CPU is no longer sampled: ") + why);
  }
  state_ = State::kLost;
  facts_.engine = "none";
  facts_.reason = why;
}

bool CpuSampling::change_rate(std::uint64_t hz) {
  hz_ = hz;
  factor_ = 1;
  rate_reason_ = usual_reason();
  note_period();
  if (state_ != State::kOn) {
    return true;
  }
  stop();
  return start_engine();
}

bool CpuSampling::may_change_factor() { return !cpu::are_threads_left_alone(); }

void CpuSampling::change_factor(std::uint32_t factor, RateReason reason) {
  factor_ = factor;
  rate_reason_ = reason;
  note_period();
  ++facts_.period_changes;
  if (state_ == State::kOn) {
    pause_counted_ = steady_clock::now();
    stop();
    open_engine();
    count_pause();
  }
}

void CpuSampling::check() {
  if (state_ == State::kAwaitingGo && is_go_ready()) {
    start_engine();
  }
  std::string why_not;
  if (state_ == State::kOn && !engine_->check(why_not)) {
    log_warning("the " + std::string(engine_->name()) + " engine has stopped: " + why_not);
    start_engine();
  }
}

void CpuSampling::look_after(bool is_traced) {
  if (state_ == State::kOn && is_traced) {
    engine_->stop();
    log_info("a debugger is attached; sampling pauses until it leaves");
    state_ = State::kPaused;
    pause_counted_ = steady_clock::now();
  } else if (state_ == State::kPaused) {
    count_pause();
    if (!is_traced) {
      start_engine();
    }
  } else if (state_ == State::kOn) {
    engine_->look_for_threads();
    if (steady_clock::now() >= next_suspicion_) {
      suspects_.clear();
      for (const pid_t tid : threads_blocking(engine_->signal(), kMostSuspects)) {
        suspects_.push_back({tid, cpu_time_of(tid)});
      }
      next_suspicion_ = steady_clock::now() + kSuspectEvery;
    }
  }
}

void CpuSampling::count_pause() {
  const TimePoint now = steady_clock::now();
  facts_.paused += std::chrono::duration_cast<std::chrono::microseconds>(now - pause_counted_);
  pause_counted_ = now;
}

void CpuSampling::survey() {
  if (state_ == State::kPaused) {
    count_pause();
  }
  facts_.outside_trace = cpu::periods_outside_trace();
  facts_.unarmed_threads = state_ == State::kOn ? engine_->unarmed_threads() : 0;
  facts_.blocked_threads = 0;
  for (const auto& [tid, cpu_time] : suspects_) {
    const bool is_unsampled = state_ == State::kOn &&
                              cpu_time_of(tid) >= cpu_time + facts_.period_ns &&
                              is_blocking(tid, engine_->signal());
    facts_.blocked_threads += is_unsampled ? 1 : 0;
  }
  warn_of_unsampled();
}

void CpuSampling::warn_of_unsampled() {
  if (has_warned_ || facts_.unarmed_threads + facts_.blocked_threads == 0) {
    return;
  }
  has_warned_ = true;
  log_warning("threads that are not sampled: " + std::to_string(facts_.blocked_threads) +
              (engine_->signal() == SIGTRAP ? " block SIGTRAP, " : " block SIGPROF, ") +
              std::to_string(facts_.unarmed_threads) +
              " can have no timer; each profile says how many");
}

}  // namespace otprof::agent
