// SPDX-License-Identifier: Apache-2.0
//
// What a new thread is to run, on its way from pthread_create to that thread, without an allocation:
// a fixed pool of records, taken and given back without a lock. For files of interpose/ only.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace otprof::interpose {

using StartRoutine = void* (*)(void*);

struct StartRecord {
  StartRoutine routine = nullptr;
  void* argument = nullptr;
  std::uint64_t believed_mask = 0;  // signal_guard.h; the mask is inherited
};

class StartRecords {
 public:
  // nullptr when all are taken: threads being started at this moment, not threads that run.
  StartRecord* take() noexcept {
    for (std::size_t word = 0; word < taken_.size(); ++word) {
      std::uint64_t bits = taken_[word].load(std::memory_order_relaxed);
      while (~bits != 0) {
        const auto bit = static_cast<unsigned>(__builtin_ctzll(~bits));
        if (taken_[word].compare_exchange_weak(bits, bits | std::uint64_t{1} << bit,
                                               std::memory_order_acquire)) {
          return &records_[word * 64 + bit];
        }
      }
    }
    return nullptr;
  }

  void give_back(const StartRecord* record) noexcept {
    const auto index = static_cast<std::size_t>(record - records_.data());
    taken_[index / 64].fetch_and(~(std::uint64_t{1} << (index % 64)), std::memory_order_release);
  }

 private:
  std::array<StartRecord, 512> records_{};
  std::array<std::atomic<std::uint64_t>, 8> taken_{};
};

}  // namespace otprof::interpose
