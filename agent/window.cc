// SPDX-License-Identifier: Apache-2.0
#include "agent/window.h"

#include <algorithm>
#include <cstring>

namespace otprof::agent {
namespace {

// The 64-bit finaliser of MurmurHash3, folded over the words.
std::uint64_t mix(std::uint64_t hash, std::uint64_t word) noexcept {
  hash = (hash ^ word) * 0xff51afd7ed558ccdULL;
  return hash ^ (hash >> 33U);
}

std::uint64_t hash_of(std::span<const SeenFrame> frames) noexcept {
  std::uint64_t hash = frames.size();
  for (const SeenFrame& frame : frames) {
    hash = mix(mix(hash, frame.address), reinterpret_cast<std::uintptr_t>(frame.module));
  }
  return hash;
}

}  // namespace

std::size_t Window::KeyHash::operator()(const SampleKey& key) const noexcept {
  std::array<std::uint64_t, 3> link{};
  std::memcpy(link.data(), key.trace_id.data(), key.trace_id.size());
  std::memcpy(link.data() + 2, key.span_id.data(), key.span_id.size());
  std::uint64_t hash = mix(key.stack, static_cast<std::uint32_t>(key.tid));
  hash = mix(hash, std::uint64_t{key.name} << 8U | static_cast<std::uint64_t>(key.end));
  hash = mix(hash, key.labels);
  for (const std::uint64_t word : link) {
    hash = mix(hash, word);
  }
  return hash;
}

Window::Window(std::uint64_t start_ns, bool keep_times)
    : start_ns_(start_ns), keep_times_(keep_times) {}

void Window::add(const symbols::ModuleMap& modules, const Sample& sample,
                 std::span<const std::uint64_t> frames, std::string_view thread_name,
                 std::string_view labels) {
  ++counters_.samples;
  ++counters_.stack_ends[static_cast<std::size_t>(sample.end)];
  if (sample.weight == 0) {
    return;  // its time is counted in others of its thread
  }
  const SampleKey key{.stack = intern_stack(modules, frames, sample.monotonic_ns),
                      .tid = sample.tid,
                      .name = intern_text(thread_name),
                      .labels = intern_text(labels),
                      .end = sample.end,
                      .trace_id = sample.trace_id,
                      .span_id = sample.span_id};
  const auto [entry, is_new] =
      samples_by_key_.try_emplace(key, static_cast<std::uint32_t>(samples_.size()));
  if (is_new) {
    samples_.push_back({.key = key, .count = 0, .times = {}});
  }
  Merged& merged = samples_[entry->second];
  merged.count += sample.weight;
  if (keep_times_) {
    merged.times.insert(merged.times.end(), sample.weight, sample.monotonic_ns);
  }
}

std::span<const SeenFrame> Window::stack(std::uint32_t index) const {
  return std::span(frames_).subspan(stacks_[index].first, stacks_[index].count);
}

std::uint32_t Window::intern_stack(const symbols::ModuleMap& modules,
                                   std::span<const std::uint64_t> frames, std::uint64_t seen_ns) {
  scratch_.clear();
  for (const std::uint64_t address : frames) {
    scratch_.push_back({modules.find(address, seen_ns), address});
  }
  const std::uint64_t hash = hash_of(scratch_);
  const auto [first, last] = stacks_by_hash_.equal_range(hash);
  for (auto entry = first; entry != last; ++entry) {
    if (std::ranges::equal(stack(entry->second), scratch_)) {
      return entry->second;
    }
  }
  const auto index = static_cast<std::uint32_t>(stacks_.size());
  stacks_.push_back({frames_.size(), scratch_.size()});
  frames_.insert(frames_.end(), scratch_.begin(), scratch_.end());
  stacks_by_hash_.emplace(hash, index);
  return index;
}

std::uint32_t Window::intern_text(std::string_view text) {
  const std::string value(text);
  const auto [entry, is_new] =
      texts_by_value_.try_emplace(value, static_cast<std::uint32_t>(texts_.size()));
  if (is_new) {
    texts_.push_back(value);
  }
  return entry->second;
}

}  // namespace otprof::agent
