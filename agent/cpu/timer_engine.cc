// SPDX-License-Identifier: Apache-2.0
//
// The engine that needs no perf events: a timer on each thread's CPU clock (thread_timers.h), for
// good. It works where a seccomp filter or kernel.perf_event_paranoid refuses perf_event_open, as in
// a container with default settings, and on any kernel; and it alone counts kernel time.
#include <signal.h>

#include "agent/cpu/engine.h"
#include "agent/cpu/sampler.h"
#include "agent/cpu/sampling_signal.h"
#include "agent/cpu/thread_timers.h"

namespace otprof::cpu {
namespace {

class TimerEngine final : public Engine {
 public:
  explicit TimerEngine(bool include_kernel) : include_kernel_(include_kernel) {}
  ~TimerEngine() override { stop(); }
  const char* name() const override { return "timer"; }
  int signal() const override { return SIGPROF; }

  bool start(const Rate& rate, std::string& why_not) override {
    if (!guard_sampling_signal(SIGPROF)) {
      why_not = "no handler for SIGPROF could be installed";
      return false;
    }
    is_running_ = start_thread_timers(
        {.signal = SIGPROF, .include_kernel = include_kernel_, .rate = rate}, why_not);
    accept_samples(is_running_);
    if (is_running_) {
      look_for_threads();
    }
    return is_running_;
  }

  void stop() override {
    if (is_running_) {
      accept_samples(false);
      stop_thread_timers();
      is_running_ = false;
    }
  }

  void look_for_threads() override { unarmed_ = arm_threads_without_timer(); }
  std::uint64_t unarmed_threads() const override { return unarmed_; }
  // No interrupt of its own: it comes with the kernel's tick (docs/design/008-governor.md).
  std::uint64_t signal_cost_ns() const override { return 5'000; }

 private:
  bool include_kernel_;
  bool is_running_ = false;
  std::uint64_t unarmed_ = 0;
};

}  // namespace

std::unique_ptr<Engine> make_timer_engine(bool include_kernel) {
  return std::make_unique<TimerEngine>(include_kernel);
}

}  // namespace otprof::cpu
