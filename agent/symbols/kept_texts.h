// SPDX-License-Identifier: Apache-2.0
//
// Texts that are asked for again and again while the addresses of a unit are told, by a number.
//
// Promises: what is kept after make_room() is bounded, whatever a file says. Background thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>

namespace otprof::symbols {

class KeptTexts {
 public:
  // Null if it is not there. Valid, like that of add(), until the next make_room() or clear().
  const std::string* find(std::uint64_t key) const {
    const auto known = texts_.find(key);
    return known != texts_.end() ? &known->second : nullptr;
  }
  // It is not there yet.
  const std::string& add(std::uint64_t key, std::string text) {
    bytes_ += kNodeBytes + text.size();
    return texts_.emplace(key, std::move(text)).first->second;
  }
  // Forgets all when there is too much.
  void make_room() {
    if (bytes_ > kMaxBytes) clear();
  }
  void clear() {
    texts_.clear();
    bytes_ = 0;
  }
  std::size_t memory_bytes() const { return bytes_; }

  static constexpr std::size_t kMaxBytes = 1 << 20;

 private:
  static constexpr std::size_t kNodeBytes = 72;  // about, with a bucket

  std::unordered_map<std::uint64_t, std::string> texts_;
  std::size_t bytes_ = 0;
};

}  // namespace otprof::symbols
