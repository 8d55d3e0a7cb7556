// SPDX-License-Identifier: Apache-2.0
//
// The first engine. One perf event of the task clock, inherited by every thread the main thread
// makes, raw clone included; the kernel sends SIGTRAP to the very thread that used up its period.
// Threads that exist already get an event of their own, which their later children inherit.
// Unprivileged at perf_event_paranoid 2 because kernel time is excluded.
//
// An inherited event begins its period anew, so a thread's first periods are counted by a timer
// (thread_timers.h), which sends SIGTRAP as well: one signal is all that is taken from the program.
#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <vector>

#include "agent/cpu/engine.h"
#include "agent/cpu/interrupt_cost.h"
#include "agent/cpu/perf_event.h"
#include "agent/cpu/sampler.h"
#include "agent/cpu/sampling_signal.h"
#include "agent/cpu/thread_list.h"
#include "agent/cpu/thread_timers.h"
#include "agent/raw_syscall.h"

namespace otprof::cpu {
namespace {

// Of a signal, once the thread is interrupted (docs/design/008-governor.md).
constexpr std::uint64_t kDeliveryNs = 1'600;

class SigtrapEngine final : public Engine {
 public:
  ~SigtrapEngine() override { stop(); }
  const char* name() const override { return "sigtrap"; }
  int signal() const override { return SIGTRAP; }

  bool start(const Rate& rate, std::string& why_not) override {
    if (!guard_sampling_signal(SIGTRAP)) {
      why_not = "no handler for SIGTRAP could be installed";
      return false;
    }
    rate_ = rate;
    const pid_t main_tid = getpid();
    const int error = open(main_tid);
    if (error != 0) {
      why_not = explain_perf_error(error);
      return false;
    }
    // Without timers threads are sampled all the same, from their second period on.
    std::string no_timers;
    has_timers_ =
        start_thread_timers({.signal = SIGTRAP, .include_kernel = false, .rate = rate}, no_timers);
    arm_if_possible(main_tid, true);
    accept_samples(true);
    adopt_threads();
    return true;
  }

  void stop() override {
    if (events_.empty()) {
      return;
    }
    accept_samples(false);
    if (has_timers_) {
      stop_thread_timers();
      has_timers_ = false;
    }
    for (const int event : events_) {
      ioctl(event, PERF_EVENT_IOC_DISABLE, 0);
      close(event);
    }
    events_.clear();
  }

  // The kernel finds them all.
  void look_for_threads() override {}
  std::uint64_t unarmed_threads() const override { return unarmed_; }
  std::uint64_t signal_cost_ns() const override { return interrupt_cost_ns() + kDeliveryNs; }

 private:
  // 0 or the errno.
  int open(pid_t tid) {
    const int event = open_trap_event(task_clock_attributes(rate_.period_ns * rate_.factor),
                                      trap_data(rate_.factor), tid);
    if (event < 0) {
      return -event;
    }
    events_.push_back(event);
    return 0;
  }

  bool arm_if_possible(pid_t tid, bool has_event) {
    return has_timers_ && ((has_event && await_first_trap(tid)) || arm_thread(tid));
  }

  // Threads that exist already. One that is made meanwhile by one of these has an event if its maker
  // has; if not it keeps its timer, because no trap ever says that it is grown.
  void adopt_threads() {
    const auto own_tid = static_cast<pid_t>(agent::raw_syscall(SYS_gettid));
    for (const pid_t tid : threads_of_process()) {
      if (tid != getpid() && tid != own_tid) {
        adopt(tid);
      }
    }
  }

  // With no descriptor left it keeps its timer; a thread that has ended is none of our concern.
  void adopt(pid_t tid) {
    const int error = open(tid);
    const bool has_timer = error != ESRCH && arm_if_possible(tid, error == 0);
    if (error != 0 && error != ESRCH && !has_timer) {
      ++unarmed_;
    }
  }

  Rate rate_;
  bool has_timers_ = false;
  std::uint64_t unarmed_ = 0;
  std::vector<int> events_;
};

}  // namespace

std::unique_ptr<Engine> make_sigtrap_engine() { return std::make_unique<SigtrapEngine>(); }

}  // namespace otprof::cpu
