// SPDX-License-Identifier: Apache-2.0
//
// Which sampled blocks are allocated right now: address -> sample number. An exact hash table of
// fixed size. A block enters after the real malloc and leaves before the real free.
//
// An entry lies in one of sixteen slots (two buckets of eight) that its address determines, and never
// moves. So a removal just empties its slot: there are no tombstones, and a look-up takes no longer
// after years of use. Wait-free: each operation is a bounded number of loads and compare-exchanges,
// whatever other threads do.
//
// insert, remove, begin_move, end_move: malloc hook, any thread. scan, size: background thread.
// All zero bytes are a valid empty table: it can live in memory that is wiped on fork.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace otprof::heap {

class LiveTable {
 public:
  static constexpr std::size_t kWays = 8;
  static constexpr std::size_t kBuckets = std::size_t{1} << 13U;
  static constexpr std::size_t kSlots = kBuckets * kWays;
  // With this many blocks it is full: two choices of eight slots place all of them up to here but
  // for bad luck (the test shows it). It also keeps the counters of watched pages from overflowing.
  static constexpr std::size_t kFull = kSlots * 3 / 4;

  struct Slot {
    std::atomic<std::uint64_t> key{
        0};  // address; 0: empty; kClaimed: being filled; +1: being moved
    std::atomic<std::uint64_t> id{0};
  };

  // False when it is full or all eight slots are taken.
  bool insert(const void* pointer, std::uint64_t id) noexcept;
  // False when the block is not in the table.
  bool remove(const void* pointer) noexcept;
  // The same if it is still there under this sample number.
  bool remove(const void* pointer, std::uint64_t id) noexcept;

  // A block that realloc is working on keeps its slot, and counts as live, but is not found by its
  // address any more: the real realloc may give that address to another thread before it returns.
  // Null when the block is not in the table.
  Slot* begin_move(const void* pointer) noexcept;
  void end_move(Slot* slot, bool is_gone) noexcept;

  std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }

  // visit(id) for every block that was in the table during the whole call; for those that came or
  // went meanwhile, perhaps.
  template <typename Visit>
  void scan(Visit&& visit) const;

 private:
  static constexpr std::uint64_t kClaimed = 2;
  static constexpr std::uint64_t kMoving = 1;  // addresses of blocks are even

  struct alignas(64) Bucket {
    std::array<Slot, kWays> slots;
  };
  struct Choice {
    std::size_t first;
    std::size_t second;
  };

  static Choice choose(std::uint64_t key) noexcept;
  static std::size_t occupied(const Bucket& bucket) noexcept;
  bool insert_into(Bucket& bucket, std::uint64_t key, std::uint64_t id) noexcept;
  Slot* find(std::uint64_t key) noexcept;
  bool change(Slot& slot, std::uint64_t key, std::uint64_t to) noexcept;

  std::array<Bucket, kBuckets> buckets_;
  std::atomic<std::size_t> size_{0};
};

template <typename Visit>
void LiveTable::scan(Visit&& visit) const {
  if (size() == 0) {
    return;
  }
  for (const Bucket& bucket : buckets_) {
    for (const Slot& slot : bucket.slots) {
      const std::uint64_t key = slot.key.load(std::memory_order_acquire);
      if (key != 0 && key != kClaimed) {
        visit(slot.id.load(std::memory_order_relaxed));
      }
    }
  }
}

}  // namespace otprof::heap
