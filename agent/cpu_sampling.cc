// SPDX-License-Identifier: Apache-2.0
#include "agent/cpu_sampling.h"

#include <string.h>

#include <utility>

#include "agent/cpu/thread_list.h"
#include "agent/log.h"
#include "agent/process_status.h"

namespace otprof::agent {

using std::chrono::steady_clock;

namespace {

// Libc blocks every signal for a moment when it makes a thread, so a thread counts only when it is
// found so twice, with some time in between.
constexpr std::chrono::seconds kSuspectEvery{10};
constexpr std::size_t kMostSuspects = 512;

}  // namespace

bool CpuSampling::start(std::uint64_t hz) {
  hz_ = hz;
  if (!options_.cpu) {
    facts_.reason = "OTPROF_CPU is false";
    return true;
  }
  if (read_process_status().is_traced) {
    log_info("started under a debugger; sampling begins when it leaves");
    state_ = State::kPaused;
    facts_.reason = "paused for a debugger";
    pause_counted_ = steady_clock::now();
    return true;
  }
  return start_engine();
}

bool CpuSampling::start_engine() {
  const auto choice = static_cast<cpu::EngineChoice>(options_.cpu_engine);
  std::string failed;
  engine_.reset();  // the one before must not end, and refuse signals, after this one has begun
  engine_ = cpu::start_engine(
      {.choice = choice,
       .include_kernel = options_.include_syscalls,
       .rate = {.period_ns = 1'000'000'000U / hz_,
                .factor = 1}},
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
  } else {
    facts_.reason = is_free_choice ? "the first that auto tries" : "asked for by OTPROF_CPU_ENGINE";
  }
  const std::string line = std::string("CPU is sampled by the ") + engine_->name() + " engine at " +
                           std::to_string(hz_) + " Hz (" + facts_.reason + ")";
  log_info(line);
  return true;
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

bool CpuSampling::change_rate(std::uint64_t hz) {
  hz_ = hz;
  if (state_ != State::kOn) {
    return true;
  }
  stop();
  return start_engine();
}

void CpuSampling::check() {
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
      suspects_ = threads_blocking(engine_->signal(), kMostSuspects);
      next_suspicion_ = steady_clock::now() + kSuspectEvery;
    }
  }
}

void CpuSampling::count_pause() {
  const TimePoint now = steady_clock::now();
  facts_.paused += std::chrono::duration_cast<std::chrono::milliseconds>(now - pause_counted_);
  pause_counted_ = now;
}

void CpuSampling::survey() {
  if (state_ == State::kPaused) {
    count_pause();
  }
  facts_.unarmed_threads = state_ == State::kOn ? engine_->unarmed_threads() : 0;
  facts_.blocked_threads = 0;
  for (const pid_t tid : suspects_) {
    facts_.blocked_threads += state_ == State::kOn && is_blocking(tid, engine_->signal()) ? 1 : 0;
  }
  warn_of_unsampled();
}

void CpuSampling::warn_of_unsampled() {
  if (has_warned_ || facts_.unarmed_threads + facts_.blocked_threads == 0) {
    return;
  }
  has_warned_ = true;
  log_warning("threads that are not sampled: " + std::to_string(facts_.blocked_threads) +
              " block SIG" + sigabbrev_np(engine_->signal()) + ", " +
              std::to_string(facts_.unarmed_threads) +
              " can have no timer; each profile says how many");
}

}  // namespace otprof::agent
