// SPDX-License-Identifier: Apache-2.0
//
// A finished window -> the encoder's model: modules become mappings, addresses locations and
// functions, samples carry their thread and, when their stack is not complete, why.
// Background thread only.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "agent/sampling_facts.h"
#include "agent/symbols/module_map.h"
#include "agent/symbols/symbolizer.h"
#include "agent/window.h"
#include "encoder/dictionary.h"
#include "encoder/profile.h"

namespace otprof::agent {

struct CpuProfileFacts {
  std::uint64_t end_ns = 0;               // CLOCK_MONOTONIC
  std::int64_t unix_minus_monotonic = 0;  // ns; one offset for the window, so that its times agree
  std::int64_t period_ns = 0;
  SamplingFacts sampling;
  bool symbolize = true;
  bool is_piece = false;  // of a window that is not finished
  // Names of the keys in thread contexts, as the process has published them.
  std::span<const std::string> label_keys = {};
};

// The times lie within [time_unix_nano, time_unix_nano + duration_nano).
encoder::Profile make_cpu_profile(const Window& window, const CpuProfileFacts& facts,
                                  symbols::ModuleMap& modules, symbols::Symbolizer& symbolizer,
                                  encoder::Dictionary& dictionary);

}  // namespace otprof::agent
