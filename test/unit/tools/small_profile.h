// SPDX-License-Identifier: Apache-2.0
//
// Profiles written down as stacks of names, for the tests of what is made from them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "encoder/dictionary.h"
#include "encoder/profile.h"

namespace otprof::test {

struct SmallSample {
  std::string stack;  // outermost first: "main;f;g"; "f@libz.so" names a module other than "app"
  std::vector<std::int64_t> values;
  std::string thread = {};
};

struct SmallProfile {
  std::vector<std::string> types = {"samples/count"};
  std::string period_type = "cpu/nanoseconds";
  std::int64_t period = 10'000'000;
  std::uint64_t time = 1'000'000'000;
  std::uint64_t duration = 1'000'000'000;
  std::vector<SmallSample> samples;
};

encoder::Profile make_profile(encoder::Dictionary& dictionary, const SmallProfile& small);

// Every sample as one line of text, sorted: two profiles that say the same give the same, whatever
// their dictionaries.
std::vector<std::string> describe(const encoder::Dictionary& dictionary,
                                  const encoder::Profile& profile);

}  // namespace otprof::test
