// SPDX-License-Identifier: Apache-2.0
#include "tools/text.h"

#include <array>
#include <cmath>
#include <cstdio>

namespace otprof::tools {
namespace {

bool continues_sequence(char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U; }

// How many bytes the UTF-8 sequence at the front has; 0 if there is none.
std::size_t sequence_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t length = lead < 0x80    ? 1
                             : lead >= 0xf0 ? 4
                             : lead >= 0xe0 ? 3
                             : lead >= 0xc2 ? 2
                                            : 0;
  if (length == 0 || length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if (!continues_sequence(text[i])) return 0;
  }
  return length;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto byte = static_cast<unsigned char>(text.front());
    const std::size_t length = sequence_length(text);
    // U+0080 to U+009F are control characters too.
    const bool control =
        byte < 0x20 || byte == 0x7f ||
        (length == 2 && byte == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0);
    if (length == 0 || control) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\x%02x", byte);
      out += escape;
      text.remove_prefix(1);
      continue;
    }
    out += text.substr(0, length);
    text.remove_prefix(length);
  }
  return out;
}

std::string with_thousands(std::int64_t number) {
  const std::string digits = std::to_string(number);
  const std::size_t first = number < 0 ? 1 : 0;
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > first && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string in_bytes(std::int64_t bytes) {
  constexpr std::array<const char*, 6> kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  auto value = static_cast<double>(bytes);
  if (std::fabs(value) < 1024) return std::to_string(bytes) + " B";
  std::size_t unit = 0;
  value /= 1024;
  while (std::fabs(value) >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return fixed(value, std::fabs(value) < 100 ? 1 : 0) + " " + kUnits[unit];
}

std::string in_seconds(std::int64_t nanoseconds) {
  if (nanoseconds == 0) return "0 s";
  const double seconds = static_cast<double>(nanoseconds) / 1e9;
  if (std::fabs(seconds) < 1) return fixed(seconds * 1e3, std::fabs(seconds) < 0.1 ? 1 : 0) + " ms";
  return fixed(seconds, std::fabs(seconds) < 100 ? 2 : 0) + " s";
}

std::string in_unit(std::int64_t value, std::string_view unit) {
  if (unit == "nanoseconds") return in_seconds(value);
  if (unit == "bytes") return in_bytes(value);
  return with_thousands(value);
}

std::size_t columns(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += continues_sequence(c) ? 0 : 1;
  return count;
}

std::string shortened(std::string_view text, std::size_t width) {
  if (columns(text) <= width) return std::string(text);
  constexpr std::string_view kGap = "...";
  if (width <= kGap.size()) return std::string(kGap.substr(0, width));
  // The end of a C++ name says more than its middle.
  const std::size_t tail = (width - kGap.size()) / 3;
  const std::size_t head = width - kGap.size() - tail;
  std::size_t head_end = 0;
  for (std::size_t seen = 0; head_end < text.size(); ++head_end) {
    if (!continues_sequence(text[head_end]) && seen++ == head) break;
  }
  std::size_t tail_start = text.size();
  for (std::size_t seen = 0; seen < tail && tail_start > head_end;) {
    --tail_start;
    if (!continues_sequence(text[tail_start])) ++seen;
  }
  return std::string(text.substr(0, head_end)) + std::string(kGap) +
         std::string(text.substr(tail_start));
}

}  // namespace otprof::tools
