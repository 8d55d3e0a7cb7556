// SPDX-License-Identifier: Apache-2.0
//
// How other threads ask the background thread for something, and learn how it is: the machinery
// behind otprof.h's control functions. A few fixed places for requests, each handed back and forth
// by one atomic word; a board of numbers that anybody may read.
//
// Promises: call() takes no lock, allocates nothing, keeps errno, and returns within its timeout
// whatever state the background thread is in, so it may be called from signal handlers. No pointer
// of a caller's is used after it has returned.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#define OTPROF_WITHOUT_CONTEXTS
#include "agent/otprof.h"

namespace otprof::agent {

enum class ControlAction : std::uint32_t {
  kStart,
  kStop,
  kFlush,
  kSnapshot,
  kSetCpuHz,
  kSetHeapInterval
};

inline constexpr std::size_t kMostPathBytes = 4096;  // with the terminating zero
inline constexpr int kLongestTimeoutMs = 60'000;

struct ControlRequest {
  ControlAction action = ControlAction::kStart;
  bool has_begun = false;   // for serve() to remember that it answered "not yet"
  bool is_watched = false;  // somebody waits for the result
  std::uint64_t value = 0;
  char path[kMostPathBytes] = {};
};

class ControlQueue {
 public:
  // An OTPROF_ code. `path` (may be null) must fit. Any thread, signal handlers included.
  int call(ControlAction action, std::uint64_t value, const char* path, int timeout_ms) noexcept;

  // Background thread: requests are served from now on, and *wake_word is bumped for each.
  void open(std::uint32_t* wake_word) noexcept;
  // The same: no longer. What waits is answered with OTPROF_NOT_RUNNING.
  void close() noexcept;
  bool is_open() const noexcept { return wake_word_.load(std::memory_order_acquire) != nullptr; }
  // In a forked child, on its one thread: requests were the parent's.
  void reset() noexcept;

  // Background thread: calls answer(request) for what is waiting; it returns an OTPROF_ code, or
  // nothing to be asked again at the next call of serve(). True when something still waits.
  template <typename Answer>
  bool serve(Answer&& answer);

 private:
  enum State : std::uint32_t { kFree, kBeingFilled, kWatched, kUnwatched, kDone };
  static constexpr std::size_t kPlaces = 16;

  // kPlaces: none is free.
  std::size_t take() noexcept;
  int wait(std::size_t place, int timeout_ms) noexcept;
  void finish(std::size_t place, int result) noexcept;

  std::atomic<std::uint32_t*> wake_word_{nullptr};
  // Apart from the requests, each of which has pages of its own that are touched when it is made.
  std::array<std::atomic<std::uint32_t>, kPlaces> states_{};
  std::array<int, kPlaces> results_{};
  std::array<ControlRequest, kPlaces> requests_;
};

template <typename Answer>
bool ControlQueue::serve(Answer&& answer) {
  bool is_waiting = false;
  for (std::size_t place = 0; place < kPlaces; ++place) {
    const std::uint32_t state = states_[place].load(std::memory_order_acquire);
    if (state != kWatched && state != kUnwatched) {
      continue;
    }
    requests_[place].is_watched = state == kWatched;
    if (const std::optional<int> result = answer(requests_[place])) {
      finish(place, *result);
    } else {
      is_waiting = true;
    }
  }
  return is_waiting;
}

ControlQueue& control_queue() noexcept;

// Written by the background thread at each visit, read by anyone.
struct StatusBoard {
  std::atomic<std::uint32_t> state{OTPROF_STOPPED};
  std::atomic<std::uint32_t> cpu_hz{0};
  std::atomic<std::uint64_t> heap_interval{0};
  std::atomic<std::uint64_t> cpu_samples{0};
  std::atomic<std::uint64_t> cpu_samples_lost{0};
  std::atomic<std::uint64_t> heap_samples{0};
  std::atomic<std::uint64_t> heap_samples_lost{0};
  std::atomic<std::uint64_t> windows{0};
  std::atomic<std::uint64_t> requests_delivered{0};
  std::atomic<std::uint64_t> requests_waiting{0};
  std::atomic<const char*> cpu_engine{"none"};  // a literal
};
StatusBoard& status_board() noexcept;

// What has been asked for and outlives a session: a forked child, or the agent after a pause, goes
// on with it. Background thread only.
struct Wishes {
  bool is_stopped = false;
  std::uint64_t cpu_hz = 0;         // 0: as configured
  std::uint64_t heap_interval = 0;  // 0: as configured
};
Wishes& wishes() noexcept;

}  // namespace otprof::agent
