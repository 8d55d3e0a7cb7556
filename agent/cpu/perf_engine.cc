// SPDX-License-Identifier: Apache-2.0
//
// The second engine: an ordinary perf event of the task clock for each thread, whose descriptor is
// told to send SIGPROF to that thread (F_SETOWN_EX, F_SETSIG). For kernels that have perf events but
// no sigtrap. Never a real-time signal: where it is blocked, its queue fills, and the kernel then
// sends SIGIO, which ends the process.
//
// Such an event is not inherited, and only the background thread has a descriptor table for it: so a
// new thread is counted by its timer (thread_timers.h) until the background thread has seen it twice, or
// it is past its youth when the engine starts.
// Where RLIMIT_NOFILE leaves no descriptor for it, it keeps the timer.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <map>
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
constexpr std::uint64_t kDeliveryNs = 2'300;

class PerfEngine final : public Engine {
 public:
  ~PerfEngine() override { stop(); }
  const char* name() const override { return "perf"; }
  int signal() const override { return SIGPROF; }

  bool start(const Rate& rate, std::string& why_not) override {
    rate_ = rate;
    const int error = try_out();
    if (error != 0) {
      why_not = explain_perf_error(error);
      return false;
    }
    if (!guard_sampling_signal(SIGPROF)) {
      why_not = "no handler for SIGPROF could be installed";
      return false;
    }
    set_event_weight(rate.factor);
    if (!start_thread_timers({.signal = SIGPROF, .include_kernel = false, .rate = rate}, why_not)) {
      return false;
    }
    is_running_ = true;
    accept_samples(true);
    unarmed_ = arm_threads_without_timer();
    const auto own_tid = static_cast<pid_t>(agent::raw_syscall(SYS_gettid));
    for (const pid_t tid : threads_of_process()) {
      if (tid != own_tid && is_past_youth(tid) && !adopt(tid)) {
        break;
      }
    }
    return true;
  }

  void stop() override {
    if (!is_running_) {
      return;
    }
    accept_samples(false);
    stop_thread_timers();
    is_running_ = false;
    for (const auto& [tid, event] : events_) {
      end(event);
    }
    events_.clear();
    seen_.clear();
  }

  void look_for_threads() override {
    unarmed_ = arm_threads_without_timer();
    const auto own_tid = static_cast<pid_t>(agent::raw_syscall(SYS_gettid));
    std::vector<pid_t> alive = threads_of_process();
    std::ranges::sort(alive);
    std::erase_if(events_, [&](const auto& entry) {
      const bool is_over = !std::ranges::binary_search(alive, entry.first);
      if (is_over) {
        end(entry.second);
      }
      return is_over;
    });
    bool has_descriptors = true;
    for (const pid_t tid : alive) {
      if (has_descriptors && tid != own_tid && !events_.contains(tid) &&
          std::ranges::binary_search(seen_, tid)) {
        has_descriptors = adopt(tid);
      }
    }
    seen_ = std::move(alive);
  }

  std::uint64_t unarmed_threads() const override { return unarmed_; }
  std::uint64_t signal_cost_ns() const override { return interrupt_cost_ns() + kDeliveryNs; }

 private:
  perf_event_attr attributes() const {
    return task_clock_attributes(rate_.period_ns * rate_.factor);
  }

  // 0 or the errno.
  int try_out() const {
    const int event = open_perf_event(attributes(), getpid());
    if (event < 0) {
      return -event;
    }
    close(event);
    return 0;
  }

  static void end(int event) {
    ioctl(event, PERF_EVENT_IOC_DISABLE, 0);
    refuse_event(event);
    close(event);
  }

  // False when there is no descriptor for it.
  bool adopt(pid_t tid) {
    perf_event_attr wanted = attributes();
    wanted.disabled = 1;
    const int event = open_perf_event(wanted, tid);
    if (event < 0) {
      return event == -ESRCH;
    }
    const f_owner_ex owner{.type = F_OWNER_TID, .pid = tid};
    if (fcntl(event, F_SETOWN_EX, &owner) != 0 || fcntl(event, F_SETSIG, SIGPROF) != 0 ||
        fcntl(event, F_SETFL, O_ASYNC) != 0 || !accept_event(event, toss_coin(tid))) {
      close(event);
      return false;
    }
    set_grown(tid);
    ioctl(event, PERF_EVENT_IOC_ENABLE, 0);
    events_[tid] = event;
    return true;
  }

  Rate rate_;
  bool is_running_ = false;
  std::uint64_t unarmed_ = 0;
  std::map<pid_t, int> events_;
  std::vector<pid_t> seen_;  // by the last look, in order
};

}  // namespace

std::unique_ptr<Engine> make_perf_engine() { return std::make_unique<PerfEngine>(); }

}  // namespace otprof::cpu
