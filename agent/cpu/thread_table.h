// SPDX-License-Identifier: Apache-2.0
//
// Which threads have a timer of the agent's, and how far each has come: a fixed table that signal
// handlers, starting and ending threads and the background thread use at the same time without a
// lock. Written in one word each, so nobody sees half of an entry.
//
// Two threads whose ids are the same in their low 16 bits share a place; the later one is refused.
#pragma once

#include <sys/mman.h>
#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace otprof::cpu {

class ThreadTable {
 public:
  static constexpr int kNoTimer = -1;

  // Background thread, before anything else. False when there is no memory.
  bool create() noexcept {
    if (words_ != nullptr) {
      return true;
    }
    void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    words_ = memory == MAP_FAILED ? nullptr : static_cast<std::uint64_t*>(memory);
    return words_ != nullptr;
  }
  // Forgets every thread; only while no thread is being armed.
  void clear() noexcept {
    madvise(words_, kBytes, MADV_DONTNEED);
    used_.fill(false);
  }

  bool contains(pid_t tid) const noexcept { return is_of(load(tid), tid); }
  // A place for `tid`, without a timer yet; false when another thread has it.
  bool add(pid_t tid) noexcept {
    std::atomic_ref<bool>(used_[place_of(tid) / kPlacesPerPage]).store(true);
    std::uint64_t empty = 0;
    return word(tid).compare_exchange_strong(empty, entry(tid, 0, 0), std::memory_order_acq_rel);
  }
  // False when the thread has been forgotten meanwhile, or has a timer: then `timer` is the caller's.
  bool set_timer(pid_t tid, int timer) noexcept {
    bool is_set = false;
    change(tid, [&](std::uint64_t now) {
      is_set = (now & kTimerMask) == 0;
      return is_set ? now | timer_bits(timer) : now;
    });
    return is_set;
  }
  // Forgets the thread; its timer, or kNoTimer.
  int remove(pid_t tid) noexcept {
    return timer_of(change(tid, [](std::uint64_t) { return std::uint64_t{0}; }));
  }

  // A grown thread is sampled by something better than its timer.
  bool is_grown(pid_t tid) const noexcept {
    const std::uint64_t now = load(tid);
    return is_of(now, tid) && state_of(now) == kGrown;
  }
  void set_grown(pid_t tid) noexcept {
    change(tid, [&](std::uint64_t now) { return entry(tid, kGrown, now & kTimerMask); });
  }
  // As if so many had been counted, 1 .. 254; nothing for a thread that is not in the table, or grown.
  void set_steps(pid_t tid, unsigned steps) noexcept {
    change(tid, [&](std::uint64_t now) {
      return state_of(now) == kGrown ? now : entry(tid, steps, now & kTimerMask);
    });
  }
  // Counts up the steps of a thread that is not grown; how many it has made, 0 if it is grown or
  // not in the table. From 255 on they are not told apart.
  unsigned count_step(pid_t tid) noexcept {
    unsigned steps = 0;
    change(tid, [&](std::uint64_t now) {
      const std::uint64_t state = state_of(now);
      steps = state == kGrown ? 0 : static_cast<unsigned>(state) + 1;
      return state + 1 >= kGrown ? now : entry(tid, state + 1, now & kTimerMask);
    });
    return steps;
  }

  // Background thread: takes the timer away from each thread for which `is_wanted(grown)` says so,
  // and hands it to `take`.
  template <typename IsWanted, typename Take>
  void take_timers(IsWanted&& is_wanted, Take&& take) noexcept {
    for (std::size_t place = 0; place < kPlaces; ++place) {
      if (!std::atomic_ref<bool>(used_[place / kPlacesPerPage]).load()) {
        place += kPlacesPerPage - 1;  // reading it would make a page of it
        continue;
      }
      std::atomic_ref<std::uint64_t> at(words_[place]);
      std::uint64_t now = at.load(std::memory_order_acquire);
      while ((now & kTimerMask) != 0 && is_wanted(state_of(now) == kGrown)) {
        if (at.compare_exchange_weak(now, now & ~kTimerMask, std::memory_order_acq_rel)) {
          take(timer_of(now));
          break;
        }
      }
    }
  }

 private:
  // A word: thread id (22 bits, the kernel's PID_MAX_LIMIT) << 40 | state << 32 | timer + 1.
  static constexpr std::size_t kPlaces = std::size_t{1} << 16;
  static constexpr std::size_t kBytes = kPlaces * sizeof(std::uint64_t);
  static constexpr std::size_t kPlacesPerPage = 4096 / sizeof(std::uint64_t);
  static constexpr std::uint64_t kTimerMask = 0xffffffffU;
  static constexpr std::uint64_t kGrown = 255;

  static std::size_t place_of(pid_t tid) noexcept {
    return static_cast<std::size_t>(tid) % kPlaces;
  }
  static std::uint64_t timer_bits(int timer) noexcept {
    return static_cast<std::uint32_t>(timer + 1);
  }
  static int timer_of(std::uint64_t word) noexcept {
    return static_cast<int>(word & kTimerMask) - 1;
  }
  static std::uint64_t state_of(std::uint64_t word) noexcept { return word >> 32U & 0xffU; }
  static std::uint64_t entry(pid_t tid, std::uint64_t state, std::uint64_t timer) noexcept {
    return static_cast<std::uint64_t>(tid) << 40U | state << 32U | timer;
  }
  static bool is_of(std::uint64_t word, pid_t tid) noexcept {
    return word >> 40U == static_cast<std::uint64_t>(tid);
  }

  std::atomic_ref<std::uint64_t> word(pid_t tid) const noexcept {
    return std::atomic_ref<std::uint64_t>(words_[place_of(tid)]);
  }
  std::uint64_t load(pid_t tid) const noexcept { return word(tid).load(std::memory_order_acquire); }
  // What was there before; 0 when the place is not the thread's.
  template <typename Next>
  std::uint64_t change(pid_t tid, Next&& next) noexcept {
    std::uint64_t now = load(tid);
    while (is_of(now, tid)) {
      if (word(tid).compare_exchange_weak(now, next(now), std::memory_order_acq_rel)) {
        return now;
      }
    }
    return 0;
  }

  std::uint64_t* words_ = nullptr;
  std::array<bool, kPlaces / kPlacesPerPage> used_{};  // pages that had an entry
};

}  // namespace otprof::cpu
