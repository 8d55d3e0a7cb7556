// SPDX-License-Identifier: Apache-2.0
//
// Malloc hook side. Calls allowed here: none but interpose::watch and unwatch.
#include "agent/heap/live_table.h"

#include "interpose/allocation_hooks.h"

namespace otprof::heap {
namespace {

std::uint64_t key_of(const void* pointer) noexcept {
  return reinterpret_cast<std::uintptr_t>(pointer);
}
const void* pointer_of(std::uint64_t key) noexcept {
  return reinterpret_cast<const void*>(static_cast<std::uintptr_t>(key));
}

}  // namespace

LiveTable::Choice LiveTable::choose(std::uint64_t key) noexcept {
  // Two independent halves of the 64-bit finaliser of MurmurHash3.
  std::uint64_t hash = (key >> 4U) * 0xff51afd7ed558ccdULL;
  hash = (hash ^ hash >> 33U) * 0xc4ceb9fe1a85ec53ULL;
  hash ^= hash >> 33U;
  const std::size_t first = hash & (kBuckets - 1);
  const std::size_t second = hash >> 32U & (kBuckets - 1);
  return {first, second == first ? first ^ 1U : second};
}

std::size_t LiveTable::occupied(const Bucket& bucket) noexcept {
  std::size_t count = 0;
  for (const Slot& slot : bucket.slots) {
    count += slot.key.load(std::memory_order_relaxed) != 0 ? 1U : 0U;
  }
  return count;
}

bool LiveTable::insert_into(Bucket& bucket, std::uint64_t key, std::uint64_t id) noexcept {
  for (Slot& slot : bucket.slots) {
    std::uint64_t empty = 0;
    if (slot.key.load(std::memory_order_relaxed) == 0 &&
        slot.key.compare_exchange_strong(empty, kClaimed, std::memory_order_relaxed)) {
      slot.id.store(id, std::memory_order_relaxed);
      slot.key.store(key, std::memory_order_release);
      return true;
    }
  }
  return false;
}

bool LiveTable::insert(const void* pointer, std::uint64_t id) noexcept {
  if (size_.fetch_add(1, std::memory_order_relaxed) >= kFull) {
    size_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  // The page is watched before anyone can learn the address, so before the block can be freed.
  interpose::watch(pointer);
  const std::uint64_t key = key_of(pointer);
  const Choice choice = choose(key);
  Bucket& first = buckets_[choice.first];
  Bucket& second = buckets_[choice.second];
  const bool second_is_emptier = occupied(second) < occupied(first);
  if (insert_into(second_is_emptier ? second : first, key, id) ||
      insert_into(second_is_emptier ? first : second, key, id)) {
    return true;
  }
  interpose::unwatch(pointer);
  size_.fetch_sub(1, std::memory_order_relaxed);
  return false;
}

LiveTable::Slot* LiveTable::find(std::uint64_t key) noexcept {
  const Choice choice = choose(key);
  for (const std::size_t index : {choice.first, choice.second}) {
    for (Slot& slot : buckets_[index].slots) {
      if (slot.key.load(std::memory_order_acquire) == key) {
        return &slot;
      }
    }
  }
  return nullptr;
}

bool LiveTable::change(Slot& slot, std::uint64_t key, std::uint64_t to) noexcept {
  return slot.key.compare_exchange_strong(key, to, std::memory_order_acq_rel);
}

bool LiveTable::remove(const void* pointer) noexcept {
  Slot* slot = find(key_of(pointer));
  // A program that frees a block twice at once must not make the counters go wrong as well.
  if (slot == nullptr || !change(*slot, key_of(pointer), 0)) {
    return false;
  }
  interpose::unwatch(pointer);
  size_.fetch_sub(1, std::memory_order_relaxed);
  return true;
}

bool LiveTable::remove(const void* pointer, std::uint64_t id) noexcept {
  // Once the number is gone from this address it never comes back, so at worst the block that has
  // taken its place between the two steps is lost from the live profile.
  Slot* slot = find(key_of(pointer));
  return slot != nullptr && slot->id.load(std::memory_order_relaxed) == id && remove(pointer);
}

LiveTable::Slot* LiveTable::begin_move(const void* pointer) noexcept {
  Slot* slot = find(key_of(pointer));
  return slot != nullptr && change(*slot, key_of(pointer), key_of(pointer) | kMoving) ? slot
                                                                                      : nullptr;
}

void LiveTable::end_move(Slot* slot, bool is_gone) noexcept {
  const std::uint64_t key = slot->key.load(std::memory_order_relaxed) & ~kMoving;
  if (!is_gone) {
    slot->key.store(key, std::memory_order_release);
    return;
  }
  slot->key.store(0, std::memory_order_release);
  interpose::unwatch(pointer_of(key));
  size_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace otprof::heap
