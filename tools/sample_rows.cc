// SPDX-License-Identifier: Apache-2.0
#include "tools/sample_rows.h"

namespace otprof::tools {

std::size_t SampleRows::Hash::operator()(const Key& key) const {
  std::uint64_t hash = 0;
  for (const std::uint32_t part : {key.stack, key.attributes, key.link, key.process}) {
    hash = (hash ^ part) * 0x9e3779b97f4a7c15U;  // 2^64 / golden ratio: spreads small integers
    hash ^= hash >> 29U;
  }
  return hash;
}

std::size_t SampleRows::row(const Key& key) {
  const auto [found, added] = index_.try_emplace(key, keys_.size());
  if (added) keys_.push_back(key);
  return found->second;
}

void SampleRows::add(std::size_t row, std::size_t column, std::int64_t value) {
  if (column >= columns_.size()) columns_.resize(column + 1);
  std::vector<std::int64_t>& values = columns_[column];
  if (row >= values.size()) values.resize(keys_.size());
  values[row] = saturating_add(values[row], value);
}

void SampleRows::clear_column(std::uint32_t process, std::size_t column) {
  if (column >= columns_.size()) return;
  std::vector<std::int64_t>& values = columns_[column];
  for (std::size_t row = 0; row < values.size(); ++row) {
    if (keys_[row].process == process) values[row] = 0;
  }
}

std::int64_t SampleRows::value(std::size_t row, std::size_t column) const {
  if (column >= columns_.size() || row >= columns_[column].size()) return 0;
  return columns_[column][row];
}

}  // namespace otprof::tools
