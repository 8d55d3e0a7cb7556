// SPDX-License-Identifier: Apache-2.0
//
// Numbers and names as a person reads them in a terminal. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace otprof::tools {

// Control characters and bytes that are not UTF-8 made visible as \xNN: a function's name must not
// be able to drive the terminal.
std::string printable(std::string_view text);

std::string with_thousands(std::int64_t number);   // 1234567 -> "1,234,567"
std::string in_bytes(std::int64_t bytes);          // 1536 -> "1.5 KiB"
std::string in_seconds(std::int64_t nanoseconds);  // 1230000000 -> "1.23 s"
// By unit: "nanoseconds", "bytes", anything else is counted.
std::string in_unit(std::int64_t value, std::string_view unit);
std::string fixed(double value, int digits);  // 34.15, 1 -> "34.2"

// At most `width` columns, the middle of a longer text replaced by "..."; counts UTF-8 sequences as
// one column each.
std::string shortened(std::string_view text, std::size_t width);
// How many columns a text takes by the same count.
std::size_t columns(std::string_view text);

}  // namespace otprof::tools
