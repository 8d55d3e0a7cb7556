// SPDX-License-Identifier: Apache-2.0
//
// One CPU sample as it travels through the ring: what the handler knows, nothing looked up yet.
// Written by a signal handler, read by the background thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "agent/unwind/unwinder.h"

namespace otprof::agent {

struct Sample {
  std::uint64_t monotonic_ns = 0;  // CLOCK_MONOTONIC
  std::int32_t tid = 0;            // kernel thread id, in the process's own pid namespace
  std::uint32_t weight = 1;        // sampling periods this sample stands for
  unwind::StackEnd end = unwind::StackEnd::kRoot;
  bool is_by_tick = false;  // the thread's clock that says so counts in ticks (tick_correction.h)
  std::uint16_t depth = 0;                  // frames that follow
  std::uint16_t label_bytes = 0;            // of the labels that follow them
  std::array<std::uint8_t, 16> trace_id{};  // zero: no trace was active
  std::array<std::uint8_t, 8> span_id{};
};

inline constexpr std::uint32_t kSampleWords = sizeof(Sample) / sizeof(std::uint64_t);
static_assert(sizeof(Sample) % sizeof(std::uint64_t) == 0);

inline constexpr std::uint32_t label_words(std::uint32_t bytes) noexcept { return (bytes + 7) / 8; }

// In the ring a Sample is followed by its frames, leaf first, one word each, and by its labels
// (thread_context.h), filled up to a whole word.
inline Sample sample_of(const std::uint64_t* record) noexcept {
  Sample sample;
  std::memcpy(static_cast<void*>(&sample), record, sizeof sample);
  return sample;
}
inline const std::uint64_t* frames_of(const std::uint64_t* record) noexcept {
  return record + kSampleWords;
}

// Of a record of `words` words whose frames begin at `frames`: nothing that lies beyond it.
struct SampleTail {
  std::span<const std::uint64_t> frames;
  std::string_view labels;
};
inline SampleTail tail_of(const Sample& sample, const std::uint64_t* frames,
                          std::size_t words) noexcept {
  const std::size_t depth = std::min<std::size_t>(sample.depth, words);
  const std::size_t bytes =
      std::min<std::size_t>(sample.label_bytes, (words - depth) * sizeof *frames);
  return {{frames, depth}, {reinterpret_cast<const char*>(frames + depth), bytes}};
}

}  // namespace otprof::agent
