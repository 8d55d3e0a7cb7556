// SPDX-License-Identifier: Apache-2.0
//
// One export window: takes samples as they leave the ring, merges equal ones, and becomes a profile
// when it ends.
//
// Promises: a frame keeps the module it was in when its sample was taken, even if that module is
// unloaded, and another takes its place, before the sample is looked at; every sample and every reason a stack ended early
// is in the finished profile or its counters; memory grows with the number of different stacks, not
// of samples (but for 8 bytes of time stamp each, if wanted). Background thread only.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/sample.h"
#include "agent/symbols/module_map.h"
#include "agent/symbols/symbolizer.h"
#include "encoder/dictionary.h"

namespace otprof::agent {

// What became of a window's samples, exported with it.
struct WindowCounters {
  std::array<std::uint64_t, static_cast<std::size_t>(unwind::StackEnd::kCount)> stack_ends{};
  std::uint64_t samples = 0;
  std::uint64_t lost_in_ring = 0;
  std::uint64_t modules_missed = 0;  // symbols::UnloadLog::lost()
};

// A frame as it was seen: which module held the address then (nullptr: none known).
struct SeenFrame {
  const symbols::Module* module = nullptr;
  std::uint64_t address = 0;
  bool operator==(const SeenFrame&) const = default;
};

struct SampleKey {
  std::uint32_t stack = 0;
  std::int32_t tid = 0;
  std::uint32_t name = 0;    // position in Window::text
  std::uint32_t labels = 0;  // the same
  unwind::StackEnd end = unwind::StackEnd::kRoot;
  std::array<std::uint8_t, 16> trace_id{};
  std::array<std::uint8_t, 8> span_id{};
  bool operator==(const SampleKey&) const = default;
};

class Window {
 public:
  // `start_ns`: CLOCK_MONOTONIC. `keep_times`: OTPROF_TIMESTAMPS.
  Window(std::uint64_t start_ns, bool keep_times);

  // One record of the ring, with the name its thread had and its labels' bytes. One of weight 0 is counted
  // as taken, and has no share in the profile.
  void add(const symbols::ModuleMap& modules, const Sample& sample,
           std::span<const std::uint64_t> frames, std::string_view thread_name,
           std::string_view labels = {});
  void count_lost(std::uint64_t samples) { counters_.lost_in_ring += samples; }
  void count_modules_missed(std::uint64_t records) { counters_.modules_missed += records; }

  bool is_empty() const { return samples_.empty(); }
  std::uint64_t start_ns() const { return start_ns_; }
  const WindowCounters& counters() const { return counters_; }

  struct Merged {
    SampleKey key;
    std::int64_t count = 0;            // sampling periods
    std::vector<std::uint64_t> times;  // CLOCK_MONOTONIC, one per period
  };
  std::span<const Merged> samples() const { return samples_; }
  std::span<const SeenFrame> stack(std::uint32_t index) const;
  // A thread's name, or labels.
  const std::string& text(std::uint32_t index) const { return texts_[index]; }

 private:
  struct KeyHash {
    std::size_t operator()(const SampleKey& key) const noexcept;
  };
  struct StackRange {
    std::size_t first = 0;
    std::size_t count = 0;
  };

  std::uint32_t intern_stack(const symbols::ModuleMap& modules,
                             std::span<const std::uint64_t> frames, std::uint64_t seen_ns);
  std::uint32_t intern_text(std::string_view text);

  std::uint64_t start_ns_;
  bool keep_times_;
  WindowCounters counters_;
  std::vector<SeenFrame> scratch_;
  std::vector<SeenFrame> frames_;  // all stacks, one after another
  std::vector<StackRange> stacks_;
  std::unordered_multimap<std::uint64_t, std::uint32_t> stacks_by_hash_;
  std::vector<std::string> texts_;
  std::unordered_map<std::string, std::uint32_t> texts_by_value_;
  std::vector<Merged> samples_;
  std::unordered_map<SampleKey, std::uint32_t, KeyHash> samples_by_key_;
};

}  // namespace otprof::agent
