// SPDX-License-Identifier: Apache-2.0
//
// How a program knows where its CPU time goes: each part of it runs until the clock of its thread
// says so, and what it really used is written down. Printed as one JSON object, which accuracy.py
// holds against the profile.
#pragma once

#include <time.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace truth {

inline std::uint64_t clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(now.tv_nsec);
}
inline std::uint64_t thread_ns() { return clock_ns(CLOCK_THREAD_CPUTIME_ID); }

// Some 150 us of work that makes no call and keeps nothing in memory.
inline void compute() {
  unsigned x = 1;
  for (int i = 0; i < 120000; ++i) {
    x = x * 1664525u + 1013904223u;
    __asm__ volatile("" : "+r"(x));
  }
}

// A part is a function with C linkage that works until thread_ns() reaches `end`. Its name is how
// the profile calls it.
using PartFunction = void (*)(std::uint64_t end);
struct Part {
  const char* name;
  PartFunction run;
};

class Ledger {
 public:
  // `slice_ns`: how long a part runs at a time, on average.
  Ledger(std::uint64_t total_ns, std::uint64_t slice_ns)
      : total_ns_(total_ns), slice_ns_(slice_ns) {}

  std::uint64_t total_ns() const { return total_ns_; }
  std::uint64_t slice_ns() const { return slice_ns_; }

  // Half to one and a half times the slice, evenly spread, so that no turn of the program keeps
  // step with the profiler's period.
  std::uint64_t next_slice() {
    random_ = random_ * 6364136223846793005U + 1442695040888963407U;
    return slice_ns_ / 2 + (random_ >> 33U) % slice_ns_;
  }

  // Runs the part for `share` slices and books what it used.
  void run(const Part& part, double share = 1) {
    const std::uint64_t start = thread_ns();
    const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(next_slice()));
    part.run(start + wanted);
    book(part.name, thread_ns() - start);
  }

  // Any thread.
  void book(const std::string& part, std::uint64_t ns) {
    const std::lock_guard lock(mutex_);
    parts_[part] += ns;
  }

  // What another thread has booked for itself. Any thread.
  void book(const Ledger& other) {
    for (const auto& [part, ns] : other.parts_) book(part, ns);
  }

  // The sum over all parts: what remains to be done is total_ns() less that.
  std::uint64_t booked() const {
    const std::lock_guard lock(mutex_);
    std::uint64_t sum = 0;
    for (const auto& [name, ns] : parts_) sum += ns;
    return sum;
  }

  void print() const;

 private:
  const std::uint64_t total_ns_;
  const std::uint64_t slice_ns_;
  std::uint64_t random_ = 88172645463325252U;
  mutable std::mutex mutex_;
  std::map<std::string, std::uint64_t> parts_;
};

}  // namespace truth
