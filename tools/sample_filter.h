// SPDX-License-Identifier: Apache-2.0
//
// Part of a profile: the samples of one trace, one span, or with one label, so that every command
// that shows a profile can show what one request cost. One thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "tools/command.h"
#include "tools/recording.h"

namespace otprof::tools {

struct SampleFilter {
  std::optional<std::array<std::uint8_t, 16>> trace_id;
  std::optional<std::array<std::uint8_t, 8>> span_id;
  // Key and value; a number is compared as decimal digits.
  std::optional<std::pair<std::string, std::string>> label;

  bool is_empty() const { return !trace_id && !span_id && !label; }
};

// From --trace, --span and --label; UsageError says what is wrong with them.
SampleFilter filter_of(const Arguments& arguments);
// The options themselves, for a Command.
std::vector<Option> filter_options();

// The samples that all of `filter` applies to.
MergedProfile filtered(const Recording& recording, const MergedProfile& profile,
                       const SampleFilter& filter);

}  // namespace otprof::tools
