// SPDX-License-Identifier: Apache-2.0
//
// Handler side (take_timer_signal, periods_of_trap). Calls allowed there: take_sample,
// interrupted_tid, monotonic_ns; no system call.
#include "agent/cpu/thread_timers.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <vector>

#include "agent/cpu/sampler.h"
#include "agent/cpu/stack_bounds.h"
#include "agent/cpu/thread_clocks.h"
#include "agent/cpu/thread_list.h"
#include "agent/cpu/thread_table.h"
#include "agent/raw_syscall.h"
#include "interpose/hooks.h"

namespace otprof::cpu {
namespace {

using agent::raw_syscall;
using agent::syscall_argument;

// A thread is young for this many periods. Where traps take over, at a multiple of the period, half
// a period is counted too much or too little; of this many it is one percent, and over threads that
// end anywhere in a period it is nothing.
constexpr unsigned kYouth = 50;
// One that is found when it has used so many will hardly end within the next.
constexpr unsigned kSettled = 10;
// Steps of a thread that was past its youth when it was found, and waits for its first trap.
constexpr unsigned kOld = 200;

// ns. Longer threads have been seen to have a ratio of their own (tick_correction.h).
constexpr std::uint64_t kShortLife = 1'000'000'000;

// Tells our timers' signals from the program's own.
char tag;

std::atomic<int> timer_signal{0};
std::atomic<std::uint64_t> period{0};  // of the timers, ns
std::atomic<std::uint32_t> periods_per_signal{1};
std::atomic<bool> with_kernel_time{false};
std::atomic<bool> left_alone{false};
std::atomic<bool> some_are_spent{false};
std::atomic<std::uint64_t> ended_precise_ns{0};
std::atomic<std::uint64_t> ended_tick_ns{0};
ThreadTable table;
pid_t owner = 0;                  // the process whose timers are in the table
std::vector<pid_t> from_outside;  // armed by the background thread
pthread_key_t exit_key;
bool has_exit_key = false;

// Clocks that grow by whole ticks, in the thread the tick finds running: so a thread that lives shorter
// than a tick is still seen as often as its share of time demands. (The precise clock is only looked
// at in a tick, and would miss most of such threads.)
clockid_t cpu_clock_of(pid_t tid) noexcept {
  return clock_of(tid, with_kernel_time.load(std::memory_order_relaxed) ? ThreadClock::kTicks
                                                                        : ThreadClock::kUserTicks);
}

// What a timer's signal carries: the tag, and the periods of the configured rate it stands for.
std::uintptr_t signal_value(std::uint32_t periods) noexcept {
  return reinterpret_cast<std::uintptr_t>(&tag) << 16U | periods;
}

void delete_timer(int timer) noexcept {
  if (timer != ThreadTable::kNoTimer) {
    raw_syscall(SYS_timer_delete, timer);
  }
}

// Evenly spread: the clock's low bits, stirred by the thread's id (SplitMix64's finaliser).
std::uint64_t random_bits(pid_t tid) noexcept {
  std::uint64_t random = monotonic_ns() ^ static_cast<std::uint64_t>(tid) << 32U;
  random = (random ^ random >> 30U) * 0xbf58476d1ce4e5b9ULL;
  random = (random ^ random >> 27U) * 0x94d049bb133111ebULL;
  return random ^ random >> 31U;
}

timespec to_timespec(std::uint64_t ns) noexcept {
  return {.tv_sec = static_cast<time_t>(ns / 1'000'000'000U),
          .tv_nsec = static_cast<long>(ns % 1'000'000'000U)};
}

// A kernel timer id, or kNoTimer.
int make_timer(pid_t tid) noexcept {
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = timer_signal.load(std::memory_order_relaxed);
  event.sigev_value.sival_ptr =
      reinterpret_cast<void*>(signal_value(periods_per_signal.load(std::memory_order_relaxed)));
  event._sigev_un._tid = tid;
  int timer = ThreadTable::kNoTimer;
  if (raw_syscall(SYS_timer_create, cpu_clock_of(tid), syscall_argument(&event),
                  syscall_argument(&timer)) != 0) {
    return ThreadTable::kNoTimer;
  }
  const std::uint64_t whole = period.load(std::memory_order_relaxed);
  const itimerspec times{.it_interval = to_timespec(whole),
                         .it_value = to_timespec(1 + random_bits(tid) % whole)};
  if (raw_syscall(SYS_timer_settime, timer, 0, syscall_argument(&times)) != 0) {
    delete_timer(timer);
    return ThreadTable::kNoTimer;
  }
  return timer;
}

// `tid` is in the table, without a timer.
bool give_timer(pid_t tid) noexcept {
  const int timer = make_timer(tid);
  if (timer == ThreadTable::kNoTimer) {
    table.remove(tid);
    return false;
  }
  if (!table.set_timer(tid, timer)) {
    delete_timer(timer);  // the thread has armed itself, or ended
  }
  return true;
}

// What the kernel needed to start a thread, a tenth of a very short one, is not user time. In the one
// pointer that a thread-specific value is, which must not be null; ticks to 100 us, which is exact
// at all tick rates but 300 Hz.
constexpr std::uint64_t kTickUnit = 100'000;
constexpr unsigned kTickBits = 16;
void* packed(const ThreadClocks& clocks) noexcept {
  const std::uint64_t ticks = std::min<std::uint64_t>(clocks.tick_ns / kTickUnit, 0xffff);
  const std::uint64_t precise = std::min<std::uint64_t>(clocks.precise_ns, kShortLife);
  return reinterpret_cast<void*>((precise + 1) << kTickBits | ticks);
}
ThreadClocks unpacked(void* value) noexcept {
  const auto word = reinterpret_cast<std::uintptr_t>(value);
  return {.precise_ns = (word >> kTickBits) - 1, .tick_ns = (word & 0xffff) * kTickUnit};
}

// On the new thread itself. errno is untouched but by pthread_setspecific, which sets none.
void arm_own_thread() noexcept {
  if (left_alone.load(std::memory_order_relaxed)) {
    return;
  }
  interpose::unblock_guarded_signals();
  const pid_t tid = current_tid(true);
  // What is there under this very id is of a thread that ended without its destructors.
  delete_timer(table.remove(tid));
  if (table.add(tid) && give_timer(tid)) {
    pthread_setspecific(
        exit_key,
        packed(with_kernel_time.load(std::memory_order_relaxed) ? ThreadClocks{} : clocks_of(tid)));
  }
}

void disarm_own_thread(void* at_start) {
  const pid_t tid = current_tid(true);
  if (left_alone.load(std::memory_order_relaxed)) {
    set_grown(tid);
    return;
  }
  if (const ThreadClocks clocks = clocks_of(tid); clocks.precise_ns < kShortLife) {
    const ThreadClocks before = unpacked(at_start);
    ended_precise_ns.fetch_add(clocks.precise_ns - before.precise_ns, std::memory_order_relaxed);
    ended_tick_ns.fetch_add(clocks.tick_ns - before.tick_ns, std::memory_order_relaxed);
  }
  delete_timer(table.remove(tid));
}

bool has_ended(pid_t tid) noexcept { return raw_syscall(SYS_tgkill, owner, tid, 0) == -ESRCH; }

}  // namespace

bool start_thread_timers(const TimerSetup& setup, std::string& why_not) {
  has_exit_key = has_exit_key || pthread_key_create(&exit_key, disarm_own_thread) == 0;
  if (!has_exit_key || !table.create()) {
    why_not = "no memory for the table of threads, or no thread-specific key left";
    return false;
  }
  table.clear();  // a forked child inherits the table, but no timer
  from_outside.clear();
  owner = getpid();
  timer_signal.store(setup.signal, std::memory_order_relaxed);
  with_kernel_time.store(setup.include_kernel, std::memory_order_relaxed);
  period.store(setup.rate.period_ns * setup.rate.factor, std::memory_order_relaxed);
  periods_per_signal.store(setup.rate.factor, std::memory_order_relaxed);
  const int trial = make_timer(static_cast<pid_t>(raw_syscall(SYS_gettid)));
  if (trial == ThreadTable::kNoTimer) {
    why_not = "timer_create on a thread's CPU clock is refused";
    return false;
  }
  delete_timer(trial);
  interpose::call_on_thread_start(arm_own_thread);
  return true;
}

void stop_thread_timers() {
  interpose::call_on_thread_start(nullptr);
  if (owner == getpid()) {
    table.take_timers([](bool) { return true; }, delete_timer);
  }
}

bool arm_thread(pid_t tid) {
  if (table.contains(tid)) {
    return true;
  }
  if (are_threads_left_alone() || !table.add(tid) || !give_timer(tid)) {
    return false;
  }
  from_outside.push_back(tid);
  return true;
}

bool is_past_youth(pid_t tid) {
  return read_clock(tid, ThreadClock::kPrecise) >=
         kSettled * period.load(std::memory_order_relaxed);
}

bool await_first_trap(pid_t tid) {
  if (!is_past_youth(tid) || !table.add(tid)) {
    return false;
  }
  table.set_steps(tid, kOld);
  from_outside.push_back(tid);
  return true;
}

std::uint64_t arm_threads_without_timer() {
  const auto own_tid = static_cast<pid_t>(raw_syscall(SYS_gettid));
  // The main thread is known where there is no /proc, too.
  std::uint64_t without = arm_thread(owner) || has_ended(owner) ? 0 : 1;
  for (const pid_t tid : threads_of_process()) {
    if (tid != own_tid && tid != owner && !arm_thread(tid) && !has_ended(tid)) {
      ++without;
    }
  }
  return without;
}

void delete_spent_timers() {
  if (are_threads_left_alone()) {
    return;
  }
  if (some_are_spent.exchange(false, std::memory_order_acq_rel)) {
    table.take_timers([](bool is_grown) { return is_grown; }, delete_timer);
  }
  std::erase_if(from_outside, [](pid_t tid) {
    const bool is_over = has_ended(tid);
    if (is_over) {
      delete_timer(table.remove(tid));
    }
    return is_over;
  });
}

void set_grown(pid_t tid) noexcept {
  table.set_grown(tid);
  some_are_spent.store(true, std::memory_order_release);
}

std::uint32_t periods_of_trap(pid_t tid) noexcept {
  if (!table.contains(tid) || table.is_grown(tid)) {
    return 1;
  }
  const unsigned steps = table.count_step(tid);
  if (steps < kYouth) {
    return 0;
  }
  set_grown(tid);
  return (steps > kOld ? 1U : 0U) + (toss_coin(tid) ? 1U : 0U);
}

bool take_timer_signal(const siginfo_t& info, const ucontext_t& interrupted) noexcept {
  constexpr std::uintptr_t kPeriodBits = 0xffff;
  const auto value = reinterpret_cast<std::uintptr_t>(info.si_value.sival_ptr);
  if (info.si_code != SI_TIMER || (value & ~kPeriodBits) != signal_value(0)) {
    return false;
  }
  if (!table.is_grown(interrupted_tid(interrupted))) {
    const auto missed = static_cast<std::uint32_t>(std::max(info.si_overrun, 0));
    take_sample(interrupted, (1 + missed) * static_cast<std::uint32_t>(value & kPeriodBits),
                DueBy::kTick);
  }
  return true;
}

ThreadClocks ended_threads() noexcept {
  return {.precise_ns = ended_precise_ns.load(std::memory_order_relaxed),
          .tick_ns = ended_tick_ns.load(std::memory_order_relaxed)};
}

bool toss_coin(pid_t tid) noexcept { return (random_bits(tid) & 1U) != 0; }

void leave_threads_alone() noexcept { left_alone.store(true, std::memory_order_relaxed); }
bool are_threads_left_alone() noexcept { return left_alone.load(std::memory_order_relaxed); }

}  // namespace otprof::cpu
