// SPDX-License-Identifier: Apache-2.0
//
// Samples under construction: rows unique by {stack, attribute set, link}, each with one value per
// sample type. What the file readers and the merge fill, because equal samples do occur in files.
// One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "encoder/profile.h"

namespace otprof::tools {

// a + b, held at the ends of the range: a hostile file may hold any values.
inline std::int64_t saturating_add(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b < 0 ? INT64_MIN : INT64_MAX;
}

// a * b, held at the ends of the range.
inline std::int64_t saturating_multiply(std::int64_t a, std::int64_t b) {
  std::int64_t product = 0;
  if (!__builtin_mul_overflow(a, b, &product)) return product;
  return (a < 0) != (b < 0) ? INT64_MIN : INT64_MAX;
}

class SampleRows {
 public:
  struct Key {
    encoder::Index stack = 0;
    encoder::Index attributes = 0;
    encoder::Index link = 0;
    std::uint32_t process = 0;  // the merge keeps processes apart; 0 elsewhere
    bool operator==(const Key&) const = default;
  };

  // The row of `key`, made with zero values if there is none.
  std::size_t row(const Key& key);
  // Values of a row that has fewer columns are 0.
  void add(std::size_t row, std::size_t column, std::int64_t value);
  void clear_column(std::uint32_t process, std::size_t column);

  std::size_t size() const { return keys_.size(); }
  const Key& key(std::size_t row) const { return keys_[row]; }
  std::int64_t value(std::size_t row, std::size_t column) const;
  std::size_t columns() const { return columns_.size(); }

 private:
  struct Hash {
    std::size_t operator()(const Key& key) const;
  };
  std::unordered_map<Key, std::size_t, Hash> index_;
  std::vector<Key> keys_;
  std::vector<std::vector<std::int64_t>> columns_;  // by type, then row; may be shorter than keys_
};

}  // namespace otprof::tools
