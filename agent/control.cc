// SPDX-License-Identifier: Apache-2.0
//
// call() and all that it uses, from signal handlers too. Calls allowed there: the vdso's
// clock_gettime, memcpy, strlen, raw_syscall (futex).
#include "agent/control.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "agent/futex.h"

namespace otprof::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// How soon a caller notices that the background thread has gone without an answer.
constexpr milliseconds kLookEvery{100};

constinit ControlQueue queue;
constinit StatusBoard board;
constinit Wishes wished;

}  // namespace

ControlQueue& control_queue() noexcept { return queue; }
StatusBoard& status_board() noexcept { return board; }
Wishes& wishes() noexcept { return wished; }

std::size_t ControlQueue::take() noexcept {
  std::size_t place = 0;
  for (; place < kPlaces; ++place) {
    std::uint32_t state = kFree;
    if (states_[place].compare_exchange_strong(state, kBeingFilled, std::memory_order_acquire)) {
      break;
    }
  }
  return place;
}

int ControlQueue::call(ControlAction action, std::uint64_t value, const char* path,
                       int timeout_ms) noexcept {
  if (timeout_ms < 0 || timeout_ms > kLongestTimeoutMs) {
    return OTPROF_BAD_ARGUMENT;
  }
  std::uint32_t* wake_word = wake_word_.load(std::memory_order_acquire);
  if (wake_word == nullptr) {
    return OTPROF_NOT_RUNNING;
  }
  const std::size_t place = take();
  if (place == kPlaces) {
    return OTPROF_BUSY;
  }
  ControlRequest& request = requests_[place];
  request.action = action;
  request.has_begun = false;
  request.value = value;
  request.path[0] = '\0';
  if (path != nullptr) {
    std::memcpy(request.path, path, std::strlen(path) + 1);
  }
  states_[place].store(timeout_ms == 0 ? kUnwatched : kWatched, std::memory_order_release);
  std::atomic_ref<std::uint32_t>(*wake_word).fetch_add(1, std::memory_order_release);
  futex_wake_all(wake_word);
  return timeout_ms == 0 ? static_cast<int>(OTPROF_OK) : wait(place, timeout_ms);
}

int ControlQueue::wait(std::size_t place, int timeout_ms) noexcept {
  const auto until = steady_clock::now() + milliseconds(timeout_ms);
  while (states_[place].load(std::memory_order_acquire) != kDone) {
    const auto left = until - steady_clock::now();
    const bool is_over = left <= steady_clock::duration::zero();
    if (is_over || !is_open()) {
      std::uint32_t state = kWatched;
      // Nobody serves what nobody is there for; else it is left to be served.
      if (states_[place].compare_exchange_strong(state, is_open() ? kUnwatched : kFree)) {
        return is_open() ? OTPROF_TIMED_OUT : OTPROF_NOT_RUNNING;
      }
      continue;
    }
    futex_wait(&states_[place], kWatched, std::min<steady_clock::duration>(left, kLookEvery));
  }
  const int result = results_[place];
  states_[place].store(kFree, std::memory_order_release);
  return result;
}

void ControlQueue::finish(std::size_t place, int result) noexcept {
  results_[place] = result;
  std::uint32_t state = kWatched;
  if (states_[place].compare_exchange_strong(state, kDone, std::memory_order_acq_rel)) {
    futex_wake_all(&states_[place]);
  } else {
    states_[place].store(kFree, std::memory_order_release);
  }
}

void ControlQueue::open(std::uint32_t* wake_word) noexcept {
  wake_word_.store(wake_word, std::memory_order_release);
}

void ControlQueue::close() noexcept {
  wake_word_.store(nullptr, std::memory_order_release);
  for (std::size_t place = 0; place < kPlaces; ++place) {
    const std::uint32_t state = states_[place].load(std::memory_order_acquire);
    if (state == kWatched || state == kUnwatched) {
      finish(place, OTPROF_NOT_RUNNING);
    }
  }
}

void ControlQueue::reset() noexcept {
  wake_word_.store(nullptr, std::memory_order_release);
  for (std::atomic<std::uint32_t>& state : states_) {
    state.store(kFree, std::memory_order_release);
  }
}

}  // namespace otprof::agent
