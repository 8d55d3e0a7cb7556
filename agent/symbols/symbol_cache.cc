// SPDX-License-Identifier: Apache-2.0
#include "agent/symbols/symbol_cache.h"

#include <algorithm>
#include <cstring>

namespace otprof::symbols {
namespace {

// Far above any text (kMaxNameBytes and a few bytes for a suffix), so little is lost at the end.
constexpr std::size_t kBlockBytes = 32768;
// Far above any chain of inlined calls, too.
constexpr std::size_t kBlockLines = 512;

template <typename Map>
std::size_t map_bytes(const Map& map) {
  // A node is the value, the link and the cached hash, and the allocator's rounding.
  return map.size() * (sizeof(typename Map::value_type) + 3 * sizeof(void*)) +
         map.bucket_count() * sizeof(void*);
}

}  // namespace

std::size_t SymbolCache::KeyHash::operator()(const Key& key) const noexcept {
  // Fibonacci hashing: addresses differ in their low bits, modules are few.
  return (key.address ^ std::uint64_t{key.module_id} << 48) * 0x9E3779B97F4A7C15U;
}

const Answer* SymbolCache::find(std::uint32_t module_id, std::uint64_t address) const {
  const auto found = answers_.find({address, module_id});
  return found != answers_.end() ? &found->second : nullptr;
}

const Answer* SymbolCache::find_text(std::string_view raw_name) const {
  const auto found = texts_.find(raw_name);
  return found != texts_.end() ? &found->second : nullptr;
}

const Answer* SymbolCache::add_text(std::string_view raw_name, std::string_view system_name,
                                    std::string_view name) {
  Answer answer;
  answer.outcome = Outcome::kResolved;
  const std::string_view key = keep(raw_name);
  answer.system_name = system_name == raw_name ? key : keep(system_name);
  answer.name = name == system_name ? answer.system_name : keep(name);
  return &texts_.emplace(key, answer).first->second;
}

void SymbolCache::add(std::uint32_t module_id, std::uint64_t address, const Answer& answer) {
  answers_.insert_or_assign({address, module_id}, answer);
}

const std::span<const SourceLine>* SymbolCache::find_lines(std::uint32_t module_id,
                                                           std::uint64_t address) const {
  const auto found = lines_.find({address, module_id});
  return found != lines_.end() ? &found->second : nullptr;
}

void SymbolCache::add_lines(std::uint32_t module_id, std::uint64_t address,
                            std::span<const SourceLine> lines) {
  if (line_blocks_.empty() ||
      line_blocks_.back().capacity() - line_blocks_.back().size() < lines.size()) {
    line_blocks_.emplace_back().reserve(std::max(kBlockLines, lines.size()));
  }
  std::vector<SourceLine>& block = line_blocks_.back();
  const std::size_t first = block.size();
  block.insert(block.end(), lines.begin(), lines.end());
  lines_.insert_or_assign({address, module_id}, std::span(block).subspan(first));
}

std::string_view SymbolCache::keep_path(std::string_view path) {
  const auto known = paths_.find(path);
  return known != paths_.end() ? *known : *paths_.insert(keep(path)).first;
}

void SymbolCache::clear() {
  // Not clear() of each: that keeps the bucket arrays.
  *this = SymbolCache();
}

std::size_t SymbolCache::memory_bytes() const {
  return map_bytes(answers_) + map_bytes(texts_) + map_bytes(lines_) + map_bytes(paths_) +
         blocks_.size() * kBlockBytes + line_blocks_.size() * kBlockLines * sizeof(SourceLine);
}

std::string_view SymbolCache::keep(std::string_view text) {
  text = text.substr(0, kBlockBytes);
  if (blocks_.empty() || kBlockBytes - block_used_ < text.size()) {
    blocks_.push_back(std::make_unique<char[]>(kBlockBytes));
    block_used_ = 0;
  }
  char* const place = blocks_.back().get() + block_used_;
  std::memcpy(place, text.data(), text.size());
  block_used_ += text.size();
  return {place, text.size()};
}

}  // namespace otprof::symbols
