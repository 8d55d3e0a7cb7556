// SPDX-License-Identifier: Apache-2.0
//
// What the heap store holds at the end of a window -> the encoder's model: alloc_objects and
// alloc_space since the last window, inuse_objects and inuse_space now, in Go's order. docs/heap.md
// explains the attributes. Background thread only.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "agent/heap/heap_store.h"
#include "agent/symbols/module_map.h"
#include "agent/symbols/symbolizer.h"
#include "encoder/dictionary.h"
#include "encoder/profile.h"

namespace otprof::heap {

// Of rows in use of the stacks that grow most suspiciously (docs/heap.md).
inline constexpr const char* kLeakRankKey = "otprof.heap.leak.rank";
inline constexpr const char* kLeakGrowthKey = "otprof.heap.leak.growth";

struct HeapProfileFacts {
  std::uint64_t start_ns = 0;  // CLOCK_MONOTONIC
  std::uint64_t end_ns = 0;
  std::int64_t unix_minus_monotonic = 0;  // ns; one offset for the window
  std::uint64_t interval = 0;             // as it is now; samples carry their own weight
  bool symbolize = true;
  bool has_live = true;  // false: the two inuse types are left out
  std::vector<std::pair<std::string, std::int64_t>> counters;  // attributes of the profile
  // Names of the keys in thread contexts, as the process has published them.
  std::span<const std::string> label_keys = {};
};

// Frames of operator new and the C allocation functions are dropped from the leaf end.
encoder::Profile make_heap_profile(const HeapStore& store, std::span<const HeapRow> rows,
                                   const HeapProfileFacts& facts, symbols::ModuleMap& modules,
                                   symbols::Symbolizer& symbolizer,
                                   encoder::Dictionary& dictionary);

}  // namespace otprof::heap
