// SPDX-License-Identifier: Apache-2.0
//
// A POSIX timer on each thread's own CPU clock, which sends that thread a signal once per period.
// The timer engine samples by these alone. The others sample a thread by them while it is young:
// what else they have begins its period anew in each thread, so it would see nothing of a thread
// that ends before its first period, and be late by half a period in every other.
//
// A thread's first period is cut to a random part of it: so a thread that lives for a tenth of a
// period has one sample with a probability of a tenth. The kernel looks at these clocks at its own
// tick (CONFIG_HZ, usually 250 Hz) and counts the periods that have passed in between as overruns,
// so a sample weighs 1 + overruns and sums stay right above that rate.
//
// A thread made by pthread_create arms itself before its routine starts; others (main, raw clone,
// threads older than the agent) are armed from outside. A timer outlives its thread and counts
// against RLIMIT_SIGPENDING, so each is deleted: by a thread-specific key's destructor, or by the
// background thread.
//
// All on the background thread, but for what is said to be for the handler.
#pragma once

#include <signal.h>
#include <sys/types.h>
#include <ucontext.h>

#include <cstdint>
#include <string>

#include "agent/cpu/engine.h"
#include "agent/cpu/thread_clocks.h"

namespace otprof::cpu {

struct TimerSetup {
  int signal = 0;  // guarded already, with a handler that calls take_timer_signal()
  bool include_kernel = false;
  Rate rate;
};

// From now on each new thread arms itself. False with the reason if that cannot be.
bool start_thread_timers(const TimerSetup& setup, std::string& why_not);
// Every timer is deleted; signals under way are taken and dropped.
void stop_thread_timers();

// Arms one thread from outside, unless it has a timer; false when it can have none.
bool arm_thread(pid_t tid);
// Arms every thread that has no timer, the calling one excepted. How many can have none.
std::uint64_t arm_threads_without_timer();
// Deletes timers that nobody needs any more: those of grown threads, and of threads armed from
// outside that have ended.
void delete_spent_timers();

// The thread is sampled by something else from now on, its timer no longer. Any thread, handler.
void set_grown(pid_t tid) noexcept;
// A thread that has used CPU time for ten periods needs no timer, if something else samples it: ticks
// are imprecise where threads compete. (So it is whenever an engine starts with another rate.)
bool is_past_youth(pid_t tid);
// Its first trap then counts one period or two: it ends the first whole one, and the part before, half of
// one on average, was not counted. False, and nothing is done, for a young thread.
bool await_first_trap(pid_t tid);
// Handler, for the thread's own trap at the end of one of its periods: how many it counts for; none while
// its timer still counts.
std::uint32_t periods_of_trap(pid_t tid) noexcept;

// Handler: false when the signal is not one of these timers'; otherwise it has been dealt with.
bool take_timer_signal(const siginfo_t& info, const ucontext_t& interrupted) noexcept;

// The clocks of the threads that have ended within a second of CPU time, together, as they were then.
// Those of a parent's are in there, too. Any thread.
ThreadClocks ended_threads() noexcept;

// True with a probability of one half. Any thread, handler.
bool toss_coin(pid_t tid) noexcept;

// The program has put a filter on its system calls, which might kill for those that arming takes:
// from now on no thread arms itself or deletes its timer, and, since the filter may be for all threads,
// none is armed from outside. Any thread.
void leave_threads_alone() noexcept;
bool are_threads_left_alone() noexcept;

}  // namespace otprof::cpu
