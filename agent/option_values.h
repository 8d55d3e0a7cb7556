// SPDX-License-Identifier: Apache-2.0
//
// One parser per kind of option in options.def. `accepted` is the table's own text, so that what a
// document says is what the parser does. Pure functions; any thread, but not a signal handler.
// All return false and leave `out` alone when `text` is not accepted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace otprof::agent {

enum class SamplingMode : int { kAlways, kTrace, kAdaptive, kRatio };
struct SamplingWish {
  SamplingMode mode = SamplingMode::kAlways;
  double ratio = 1;  // of processes, with kRatio
};

bool parse_boolean(std::string_view text, std::string_view accepted, bool& out);
bool parse_integer(std::string_view text, std::string_view accepted, std::int64_t& out);
// A number with or without KiB, MiB or GiB; `out` in bytes.
bool parse_bytes(std::string_view text, std::string_view accepted, std::int64_t& out);
// A number with ms, s, m or h; `out` in milliseconds. The unit is required, but for 0.
bool parse_duration(std::string_view text, std::string_view accepted, std::int64_t& out);
// A number with us, ms or s; `out` in microseconds. The unit is required.
bool parse_latency(std::string_view text, std::string_view accepted, std::int64_t& out);
// A decimal number.
bool parse_percent(std::string_view text, std::string_view accepted, double& out);
bool parse_choice(std::string_view text, std::string_view accepted, int& out);
// Words separated by commas. "none" may stand only alone and gives 0.
bool parse_set(std::string_view text, std::string_view accepted, unsigned& out);
// One of the words, or ratio:SHARE with a decimal number from 0 to 1.
bool parse_sampling(std::string_view text, std::string_view accepted, SamplingWish& out);
bool parse_text(std::string_view text, std::string_view accepted, std::string& out);

// Without leading and trailing blanks and tabs.
std::string_view trimmed(std::string_view text);
// The item before the next comma, trimmed; removes it and the comma from `rest`.
std::string_view next_item(std::string_view& rest);
bool equal_ignoring_case(std::string_view a, std::string_view b);

}  // namespace otprof::agent
