// SPDX-License-Identifier: Apache-2.0
//
// The labels of a sample, from the bytes that a handler copied (thread_context.h) to attributes of
// the profile. Which name a key stands for is only known here: from the map that the process has
// published with its process context (OTEP 4719), else from the names that the program gave to the
// agent itself (context_keys.h).
//
// Promises: of several entries with one key the last counts, of several custom labels with one key
// the first; an incomplete entry ends the reading; whatever is left out is counted. The agent's own
// attributes cannot be overwritten. Background thread only.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "encoder/dictionary.h"

namespace otprof::agent {

// Labels kept of one sample; more are dropped, the last first.
inline constexpr std::size_t kMostLabels = 64;

struct LabelCounters {
  std::uint64_t unknown_key = 0;  // entries whose key has no name
  std::uint64_t cut = 0;          // samples whose labels were too long, too many, or incomplete
};

class SampleLabels {
 public:
  // `published`: the map of the process context, by key; empty when there is none.
  explicit SampleLabels(std::span<const std::string> published) : published_(published) {}

  // Puts one attribute per label in front of `attributes`, whose own keys win over them.
  void add_to(std::vector<encoder::Index>& attributes, std::string_view label_bytes,
              encoder::Dictionary& dictionary);

  const LabelCounters& counters() const { return counters_; }

 private:
  std::string_view name_of(std::uint8_t key) const;

  std::span<const std::string> published_;
  LabelCounters counters_;
};

// For the attributes of a whole profile: nothing when nothing was left out.
void add_label_counters(const LabelCounters& counters, encoder::Dictionary& dictionary,
                        std::vector<encoder::Index>& attributes);

}  // namespace otprof::agent
