// SPDX-License-Identifier: Apache-2.0
//
// Finds the index of an equal entry in a table kept elsewhere: open addressing, eight bytes a slot,
// no allocation per entry. Index 0 is never stored (it is every table's zero entry).
// One thread at a time; allocates.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "encoder/profile.h"

namespace otprof::encoder {

// One step of a hash over integers; the multiplier is 2^64 divided by the golden ratio.
constexpr std::uint64_t hash_mix(std::uint64_t hash, std::uint64_t value) {
  return (std::rotl(hash, 23) ^ value) * 0x9E3779B97F4A7C15U;
}

class HashIndex {
 public:
  // The stored index of that hash for which `equal(index)` holds, or 0.
  template <class Equal>
  Index find(std::uint64_t hash, const Equal& equal) const {
    if (slots_.empty()) return 0;
    const std::uint32_t tag = fold(hash);
    for (std::size_t at = tag & mask();; at = (at + 1) & mask()) {
      const Slot& slot = slots_[at];
      if (slot.index == 0) return 0;
      if (slot.tag == tag && equal(slot.index)) return slot.index;
    }
  }

  void insert(std::uint64_t hash, Index index) {
    if ((used_ + 1) * 4 > slots_.size() * 3) grow();
    place(Slot{fold(hash), index});
    ++used_;
  }

  std::size_t memory_bytes() const { return slots_.capacity() * sizeof(Slot); }

 private:
  struct Slot {
    std::uint32_t tag = 0;
    Index index = 0;
  };

  // The upper half of a product is the well mixed one.
  static std::uint32_t fold(std::uint64_t hash) {
    return static_cast<std::uint32_t>((hash ^ (hash >> 32)) >> 8) ^
           static_cast<std::uint32_t>(hash >> 32);
  }
  std::size_t mask() const { return slots_.size() - 1; }

  void place(Slot slot) {
    std::size_t at = slot.tag & mask();
    while (slots_[at].index != 0) at = (at + 1) & mask();
    slots_[at] = slot;
  }

  void grow() {
    std::vector<Slot> old(slots_.empty() ? 16 : slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.index != 0) place(slot);
    }
  }

  std::vector<Slot> slots_;
  std::size_t used_ = 0;
};

}  // namespace otprof::encoder
