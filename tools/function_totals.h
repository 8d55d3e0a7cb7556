// SPDX-License-Identifier: Apache-2.0
//
// How much each function has of a profile, itself and with what it called.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tools/frames.h"
#include "tools/recording.h"

namespace otprof::tools {

struct FunctionTotal {
  std::uint32_t frame = 0;  // into the FrameTable
  std::int64_t self = 0;    // where it was the innermost function
  std::int64_t total = 0;   // where it was on the stack, once per sample however often it recursed
};

struct FunctionTotals {
  std::vector<FunctionTotal> functions;  // largest self first, then largest total, then name
  std::int64_t sum = 0;                  // of all samples
};

// Of the values in one column of `profile`.
FunctionTotals function_totals(const MergedProfile& profile, std::size_t column,
                               FrameTable& frames);

// 100 * part / whole; 0 if there is no whole.
double percent(std::int64_t part, std::int64_t whole);

}  // namespace otprof::tools
