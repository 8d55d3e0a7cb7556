// SPDX-License-Identifier: Apache-2.0
//
// The engine that needs no perf events: a POSIX timer on each thread's CPU clock, which sends
// SIGPROF to that thread. It works where a seccomp filter or kernel.perf_event_paranoid refuses
// perf_event_open, as in a container with default settings, and on any kernel.
//
// The kernel looks at CPU clocks at its own tick (CONFIG_HZ, usually 250 Hz) and counts the periods
// that have passed in between as overruns, so a sample weighs 1 + overruns and sums stay right above
// that rate. A thread's first period is cut to a random part, or threads that live shorter than a
// period would never be seen.
//
// A thread made by pthread_create arms itself before its routine starts; others (main, raw clone,
// threads older than the agent) are found by the background thread, which arms them from outside.
// A timer outlives its thread and counts against RLIMIT_SIGPENDING, so each is deleted: by a
// thread-specific key's destructor, or by the background thread that made it.
//
// Handler side (on_tick). Calls allowed there: take_sample, pass_on_signal, raw_syscall.
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "agent/cpu/engine.h"
#include "agent/cpu/sampler.h"
#include "agent/cpu/thread_bits.h"
#include "agent/cpu/thread_list.h"
#include "agent/raw_syscall.h"
#include "interpose/hooks.h"

namespace otprof::cpu {
namespace {

using agent::raw_syscall;
using agent::syscall_argument;

// Tells our timers' signals from the program's own.
char tag;

std::atomic<bool> sampling{false};
std::atomic<std::uint64_t> period{0};
std::atomic<bool> with_kernel_time{false};
ThreadBits armed;
pthread_key_t timer_key;  // the thread's own timer id + 1
bool has_timer_key = false;

// A thread's CPU clock as the kernel numbers it (include/linux/posix-timers.h): ~tid above three
// bits, of which 4 means one thread, 0 user and kernel time, 1 user time only. Both grow by whole
// ticks, in the thread the tick finds running: so a thread that lives shorter than a tick is still
// seen as often as its share of time demands. (The precise clock, 2, is only looked at in a tick,
// and would miss most of such threads.)
clockid_t cpu_clock_of(pid_t tid) noexcept {
  constexpr int kPerThread = 4;
  constexpr int kUserTime = 1;
  constexpr int kAllTime = 0;
  const int kind = with_kernel_time.load(std::memory_order_relaxed) ? kAllTime : kUserTime;
  return static_cast<clockid_t>(~static_cast<unsigned>(tid) << 3U |
                                static_cast<unsigned>(kPerThread | kind));
}

void delete_timer(int timer) noexcept { raw_syscall(SYS_timer_delete, timer); }

// 1 .. period, evenly spread: the clock's low bits, stirred by the thread's id.
std::uint64_t first_period(pid_t tid, std::uint64_t whole) noexcept {
  std::uint64_t random = monotonic_ns() ^ static_cast<std::uint64_t>(tid) << 32U;
  random = (random ^ random >> 30U) * 0xbf58476d1ce4e5b9ULL;  // SplitMix64's finaliser
  random = (random ^ random >> 27U) * 0x94d049bb133111ebULL;
  return 1 + (random ^ random >> 31U) % whole;
}

timespec to_timespec(std::uint64_t ns) noexcept {
  return {.tv_sec = static_cast<time_t>(ns / 1'000'000'000U),
          .tv_nsec = static_cast<long>(ns % 1'000'000'000U)};
}

// A kernel timer id, or -1.
int arm(pid_t tid) noexcept {
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = SIGPROF;
  event.sigev_value.sival_ptr = &tag;
  event._sigev_un._tid = tid;
  int timer = -1;
  if (raw_syscall(SYS_timer_create, cpu_clock_of(tid), syscall_argument(&event),
                  syscall_argument(&timer)) != 0) {
    return -1;
  }
  const std::uint64_t whole = period.load(std::memory_order_relaxed);
  const itimerspec times{.it_interval = to_timespec(whole),
                         .it_value = to_timespec(first_period(tid, whole))};
  if (raw_syscall(SYS_timer_settime, timer, 0, syscall_argument(&times)) != 0) {
    delete_timer(timer);
    return -1;
  }
  return timer;
}

// On the new thread itself. errno is untouched but by pthread_setspecific, which sets none.
void arm_own_thread() noexcept {
  const auto tid = static_cast<pid_t>(raw_syscall(SYS_gettid));
  interpose::unblock_guarded_signals();
  if (!armed.add(tid)) {
    return;
  }
  const int timer = arm(tid);
  if (timer < 0) {
    armed.remove(tid);
    return;
  }
  pthread_setspecific(timer_key, reinterpret_cast<void*>(std::intptr_t{timer} + 1));
}

void disarm_own_thread(void* value) {
  delete_timer(static_cast<int>(reinterpret_cast<std::intptr_t>(value) - 1));
  armed.remove(static_cast<pid_t>(raw_syscall(SYS_gettid)));
}

void on_tick(int signal, siginfo_t* info, void* context) noexcept {
  if (info->si_code != SI_TIMER || info->si_value.sival_ptr != &tag) {
    interpose::pass_on_signal(signal, info, context);
  } else if (!sampling.load(std::memory_order_relaxed)) {
    // Armed by its own thread, so that stop() does not know it. Its key's destructor will delete it
    // once more, which does nothing: the kernel does not use an id again soon.
    delete_timer(info->si_timerid);
    armed.remove(static_cast<pid_t>(raw_syscall(SYS_gettid)));
  } else {
    const auto missed = static_cast<std::uint32_t>(std::max(info->si_overrun, 0));
    take_sample(*static_cast<const ucontext_t*>(context), 1 + missed);
  }
}

class TimerEngine final : public Engine {
 public:
  explicit TimerEngine(bool include_kernel) {
    with_kernel_time.store(include_kernel, std::memory_order_relaxed);
  }
  ~TimerEngine() override { stop(); }
  const char* name() const override { return "timer"; }

  bool start(std::uint64_t period_ns, std::string& why_not) override {
    if (!armed.create() || !make_key()) {
      why_not = "no memory for the set of threads, or no thread-specific key left";
      return false;
    }
    armed.clear();  // a forked child inherits the set, but no timer
    if (!interpose::guard_signal(SIGPROF, on_tick)) {
      why_not = "no handler for SIGPROF could be installed";
      return false;
    }
    period.store(period_ns, std::memory_order_relaxed);
    const pid_t main_tid = getpid();
    own_tid_ = static_cast<pid_t>(raw_syscall(SYS_gettid));
    armed.add(main_tid);
    const int timer = arm(main_tid);
    if (timer < 0) {
      why_not = "timer_create on a thread's CPU clock is refused";
      return false;
    }
    timers_[main_tid] = timer;
    sampling.store(true, std::memory_order_relaxed);
    interpose::call_on_thread_start(arm_own_thread);
    arm_others();
    return true;
  }

  void stop() override {
    interpose::call_on_thread_start(nullptr);
    sampling.store(false, std::memory_order_relaxed);
    for (const auto& [tid, timer] : timers_) {
      delete_timer(timer);
      armed.remove(tid);
    }
    timers_.clear();
  }

  bool check(std::string& why_not) override {
    if (!interpose::owns_signal(SIGPROF)) {
      stop();
      why_not = "the program has installed its own SIGPROF handler";
      return false;
    }
    arm_others();
    return true;
  }

 private:
  static bool make_key() {
    has_timer_key = has_timer_key || pthread_key_create(&timer_key, disarm_own_thread) == 0;
    return has_timer_key;
  }

  // Threads nobody armed yet get a timer; timers of threads that are gone are deleted.
  void arm_others() {
    const std::vector<pid_t> alive = threads_of_process();
    for (const pid_t tid : alive) {
      if (tid != own_tid_ && armed.add(tid)) {
        const int timer = arm(tid);
        if (timer < 0) {
          armed.remove(tid);
        } else {
          timers_[tid] = timer;
        }
      }
    }
    for (auto entry = timers_.begin(); entry != timers_.end();) {
      if (std::ranges::find(alive, entry->first) != alive.end()) {
        ++entry;
        continue;
      }
      delete_timer(entry->second);
      armed.remove(entry->first);
      entry = timers_.erase(entry);
    }
  }

  pid_t own_tid_ = 0;
  std::map<pid_t, int> timers_;  // those made from outside their threads
};

}  // namespace

std::unique_ptr<Engine> make_timer_engine(bool include_kernel) {
  return std::make_unique<TimerEngine>(include_kernel);
}

}  // namespace otprof::cpu
