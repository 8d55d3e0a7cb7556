// SPDX-License-Identifier: Apache-2.0
//
// The agent's one thread. It arms the sampling engine, empties the ring, closes windows, delivers
// them, and looks after what can change under it. Nothing of the agent runs elsewhere but signal
// handlers and hooks.
//
// Promises: all signals are blocked on it, so no handler of the host ever runs there; its file
// descriptors are its own (close_range with CLOSE_RANGE_UNSHARE), so the host sees none of them, can
// close none of them, and keeps all of its numbers; it holds none of the host's open.
#pragma once

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>

#include "agent/credentials.h"
#include "agent/heap/heap_profiler.h"
#include "agent/options.h"
#include "agent/sample_ring.h"

namespace otprof::agent {

class Session;

class Background {
 public:
  // All must outlive the process; `heap` is null when the heap is not profiled.
  Background(const Options& options, SampleRing& ring, heap::HeapProfiler* heap)
      : options_(options), ring_(ring), heap_(heap) {}
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  // Starts the thread and waits until sampling is armed, at most `limit`. False when there is no
  // thread to be had. Any thread, once. The other calls wait for that themselves, if need be.
  bool start(std::chrono::milliseconds limit);
  // Waits until sampling is armed, at most `limit`. Any thread but its own.
  void wait_until_armed(std::chrono::milliseconds limit) {
    wait_for_change(State::kStarting, limit);
  }

  // Waits until the thread has learned what it needs to know of the process, or given up, at most
  // `limit`; it is in no hurry to do so otherwise. What the program does next may stand in the way of that: give up
  // its rights, or filter system calls. Any thread but its own.
  void hurry(std::chrono::milliseconds limit) noexcept;

  // Asks for the last window to be delivered and the thread to end, and waits for that, at most
  // `limit`. True when it has ended; the thread is then joined. Any thread but its own.
  // `is_at_exit`: the process ends; false: another Background will follow.
  bool finish(std::chrono::milliseconds limit, bool is_at_exit);

  // Asks for the window so far to be delivered, and waits for that, at most `limit`; the thread goes
  // on. Any thread, and signal handlers.
  void flush(std::chrono::milliseconds limit) noexcept;

  // The same for a thread that may be ended for any system call: it makes none, and waits by looking
  // again and again. The thread itself notices at its next tick.
  void flush_without_calls(std::chrono::milliseconds limit) noexcept;

  // No CPU sample is taken any more, for the reason `why`, which is kept; returns when no signal can come
  // of it, or after `limit`: false. Who may make no system call `must_not_call`, and waits by looking again
  // and again. The thread `leaves_signals` to the program before. Any thread but its own.
  bool end_cpu_sampling(const char* why, bool must_not_call, bool leaves_signals,
                        std::chrono::milliseconds limit) noexcept;

  // The process is about to be traced: returns when no CPU sample is taken until the tracer leaves, or after
  // `limit`. Any thread but its own.
  void pause_for_tracer(std::chrono::milliseconds limit) noexcept;

  // Before the calling thread changes its users or groups, by a call that every thread has to make with the
  // same result: the agent's takes on the rights of the calling one, if they differ. False when it has not,
  // in good time. Afterwards it has what the calling one has. Any thread but its own.
  bool match_credentials(std::chrono::milliseconds limit) noexcept;
  void credentials_changed() noexcept;

  // Keeps the thread out of code whose locks a forked child must not find taken; false when it is in
  // there for longer than `limit`. release() lets it in again. For fork; any thread but its own.
  bool hold(std::chrono::milliseconds limit);
  void release();

 private:
  enum class State : std::uint32_t { kStarting, kRunning, kFlushing, kFinishing, kFinished };

  static void* entry(void* self);
  void run();
  // What other threads wait for.
  void serve(Session& session) noexcept;
  // False when the process ends already, and there is nothing to be told.
  bool settle(Session& session);
  bool wait_for_change(State from, std::chrono::milliseconds limit) noexcept;
  // From kRunning to kFlushing or kFinishing, to be through with by `limit`; false when it is in
  // another state.
  bool ask_for(State state, std::chrono::milliseconds limit) noexcept;
  // The same, but the thread is not woken.
  bool change_if_running(State state, std::chrono::milliseconds limit) noexcept;
  void change_state(State to);
  // `event`: 0 until now. Whoever waits for it goes on.
  static void announce(std::atomic<std::uint32_t>& event) noexcept;

  const Options& options_;
  SampleRing& ring_;
  heap::HeapProfiler* heap_;
  pthread_t thread_{};
  pid_t tid_ = 0;  // published by the change from kStarting
  std::timed_mutex unforkable_;
  std::atomic<std::uint32_t> state_{static_cast<std::uint32_t>(State::kStarting)};
  std::uint32_t wake_word_ = 0;
  std::atomic<std::uint32_t> is_ready_{0};
  std::atomic<const char*> end_sampling_for_{nullptr};  // null: not asked for
  std::atomic<bool> leaves_signals_{false};
  std::atomic<std::uint32_t> has_ended_sampling_{0};
  std::atomic<std::uint32_t> awaits_tracer_{0};
  std::timed_mutex credentials_lock_;  // of these two
  Credentials credentials_;            // of the thread
  Credentials wanted_credentials_;
  enum class Taking : std::uint32_t { kNothing, kWanted, kTaken, kRefused };
  std::atomic<Taking> taking_{Taking::kNothing};
  // Of what was asked for; several may ask for a flush at once, for about the same time.
  std::atomic<std::chrono::steady_clock::time_point> end_by_{};
  bool is_at_exit_ = true;  // of finish(); published by the change of state it makes
};

}  // namespace otprof::agent
