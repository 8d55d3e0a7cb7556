// SPDX-License-Identifier: Apache-2.0
//
// Append-only storage for the variable-length parts of dictionary entries: 20,000 stacks in a few
// hundred blocks instead of 20,000 allocations. What was copied in never moves and is freed with the
// arena only.
// One thread at a time; allocates.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace otprof::encoder {

template <class T>
class Arena {
 public:
  std::span<const T> copy(std::span<const T> items) {
    if (items.empty()) return {};
    if (items.size() > left_) grow(items.size());
    T* const to = free_;
    std::copy(items.begin(), items.end(), to);
    free_ += items.size();
    left_ -= items.size();
    return {to, items.size()};
  }

  std::size_t memory_bytes() const {
    return held_ * sizeof(T) + blocks_.capacity() * sizeof(blocks_[0]);
  }

 private:
  // Blocks double up to 64 KiB, so that a small dictionary stays small.
  static constexpr std::size_t kFirstBlock = 1024 / sizeof(T);
  static constexpr std::size_t kLargestBlock = (std::size_t{64} << 10) / sizeof(T);

  void grow(std::size_t needed) {
    const std::size_t size = std::max(needed, next_block_);
    next_block_ = std::min(next_block_ * 2, kLargestBlock);
    blocks_.push_back(std::unique_ptr<T[]>(new T[size]));
    free_ = blocks_.back().get();
    left_ = size;
    held_ += size;
  }

  std::vector<std::unique_ptr<T[]>> blocks_;
  T* free_ = nullptr;
  std::size_t left_ = 0;
  std::size_t next_block_ = kFirstBlock;
  std::size_t held_ = 0;
};

}  // namespace otprof::encoder
