// SPDX-License-Identifier: Apache-2.0
//
// The first engine. One perf event of the task clock, inherited by every thread the main thread
// makes, raw clone included; the kernel sends SIGTRAP to the very thread that used up its period.
// Threads that exist already get an event of their own, which their later children inherit.
// Unprivileged at perf_event_paranoid 2 because kernel time is excluded.
#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <vector>

#include "agent/cpu/engine.h"
#include "agent/cpu/thread_list.h"
#include "agent/cpu/trap_signal.h"
#include "agent/raw_syscall.h"

namespace otprof::cpu {
namespace {

// A result of perf_event_open: the descriptor, or -errno.
int open_event(pid_t tid, std::uint64_t period_ns) {
  perf_event_attr attr{};
  attr.size = sizeof attr;
  attr.type = PERF_TYPE_SOFTWARE;
  attr.config = PERF_COUNT_SW_TASK_CLOCK;
  attr.sample_period = period_ns;
  attr.disabled = 0;
  attr.inherit = 1;
  attr.inherit_thread = 1;  // threads only: a forked child opens its own
  attr.remove_on_exec = 1;  // no trap can reach a program that has no handler for it
  attr.sigtrap = 1;
  attr.exclude_kernel = 1;
  attr.exclude_hv = 1;
  attr.sig_data = kTrapTag;
  return static_cast<int>(agent::raw_syscall(SYS_perf_event_open, agent::syscall_argument(&attr),
                                             tid, -1, -1, PERF_FLAG_FD_CLOEXEC));
}

class SigtrapEngine final : public Engine {
 public:
  ~SigtrapEngine() override { stop(); }
  const char* name() const override { return "sigtrap"; }

  bool start(std::uint64_t period_ns, std::string& why_not) override {
    if (!install_trap_handler()) {
      why_not = "no handler for SIGTRAP could be installed";
      return false;
    }
    const pid_t main_tid = getpid();
    const int event = open_event(main_tid, period_ns);
    if (event < 0) {
      why_not = explain(-event);
      return false;
    }
    events_.push_back(event);
    accept_traps(true);
    const auto own_tid = static_cast<pid_t>(agent::raw_syscall(SYS_gettid));
    for (const pid_t tid : threads_of_process()) {
      if (tid != main_tid && tid != own_tid) {
        adopt(tid, period_ns);
      }
    }
    return true;
  }

  void stop() override {
    accept_traps(false);
    for (const int event : events_) {
      ioctl(event, PERF_EVENT_IOC_DISABLE, 0);
      close(event);
    }
    events_.clear();
  }

  bool check(std::string& why_not) override {
    if (owns_trap_signal()) {
      return true;
    }
    stop();
    why_not = "the program has installed its own SIGTRAP handler";
    return false;
  }

 private:
  // A thread that has ended since it was listed is none of our concern.
  void adopt(pid_t tid, std::uint64_t period_ns) {
    const int event = open_event(tid, period_ns);
    if (event >= 0) {
      events_.push_back(event);
    }
  }

  static std::string explain(int error) {
    char buffer[128];
    std::string text = "perf_event_open: ";
    text += strerror_r(error, buffer, sizeof buffer);
    if (error == EACCES || error == EPERM) {
      text += " (kernel.perf_event_paranoid above 2, or a seccomp filter)";
    } else if (error == EINVAL || error == E2BIG) {
      text += " (needs Linux 5.13 or later)";
    }
    return text;
  }

  std::vector<int> events_;
};

}  // namespace

std::unique_ptr<Engine> make_sigtrap_engine() { return std::make_unique<SigtrapEngine>(); }

}  // namespace otprof::cpu
