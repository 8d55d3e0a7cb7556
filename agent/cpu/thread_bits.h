// SPDX-License-Identifier: Apache-2.0
//
// A set of thread ids that any thread may change at any time without a lock: one bit per possible
// id (the kernel's pid_max is at most 2^22), in memory of which only touched pages exist.
// Signal handlers included.
#pragma once

#include <sys/mman.h>
#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace otprof::cpu {

class ThreadBits {
 public:
  bool create() noexcept {
    if (words_ != nullptr) {
      return true;
    }
    void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    words_ = memory == MAP_FAILED ? nullptr : static_cast<std::uint64_t*>(memory);
    return words_ != nullptr;
  }
  // True if it was not in the set before.
  bool add(pid_t tid) noexcept {
    return (word(tid).fetch_or(bit(tid), std::memory_order_acq_rel) & bit(tid)) == 0;
  }
  void remove(pid_t tid) noexcept { word(tid).fetch_and(~bit(tid), std::memory_order_acq_rel); }
  void clear() noexcept { madvise(words_, kBytes, MADV_DONTNEED); }

 private:
  static constexpr unsigned kMostTids = 1U << 22U;  // PID_MAX_LIMIT
  static constexpr std::size_t kBytes = kMostTids / 8;

  static std::uint64_t bit(pid_t tid) noexcept {
    return std::uint64_t{1} << (static_cast<unsigned>(tid) % 64);
  }
  std::atomic_ref<std::uint64_t> word(pid_t tid) const noexcept {
    return std::atomic_ref<std::uint64_t>(words_[static_cast<unsigned>(tid) % kMostTids / 64]);
  }

  std::uint64_t* words_ = nullptr;
};

}  // namespace otprof::cpu
