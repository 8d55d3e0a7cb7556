// SPDX-License-Identifier: Apache-2.0
#include "agent/option_values.h"

#include <algorithm>
#include <charconv>
#include <span>

namespace otprof::agent {
namespace {

struct Unit {
  std::string_view suffix;
  std::int64_t factor;
};

constexpr Unit kByteUnits[] = {{"", 1}, {"KiB", 1LL << 10}, {"MiB", 1LL << 20}, {"GiB", 1LL << 30}};
constexpr Unit kDurationUnits[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}};
constexpr Unit kLatencyUnits[] = {{"us", 1}, {"ms", 1000}, {"s", 1'000'000}};
constexpr Unit kNoUnits[] = {{"", 1}};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool parse_quantity(std::string_view text, std::span<const Unit> units, std::int64_t& out) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || number < 0) {
    return false;
  }
  const std::string_view suffix(rest, static_cast<std::size_t>(end - rest));
  if (suffix.empty() && number == 0) {
    out = 0;
    return true;
  }
  for (const Unit& unit : units) {
    if (equal_ignoring_case(suffix, unit.suffix)) {
      return !__builtin_mul_overflow(number, unit.factor, &out);
    }
  }
  return false;
}

bool parse_in_range(std::string_view text, std::string_view accepted, std::span<const Unit> units,
                    std::int64_t& out) {
  const std::size_t dash = accepted.find('-');
  std::int64_t value = 0;
  std::int64_t low = 0;
  std::int64_t high = 0;
  if (!parse_quantity(text, units, value) ||
      !parse_quantity(accepted.substr(0, dash), units, low) ||
      !parse_quantity(accepted.substr(dash + 1), units, high) || value < low || value > high) {
    return false;
  }
  out = value;
  return true;
}

// Digits with at most one point among them. By hand: the library's conversion would need libm.
bool parse_decimal(std::string_view text, double& out) {
  double value = 0;
  double unit = 1;
  bool has_point = false;
  bool has_digit = false;
  for (const char c : text) {
    if (c == '.' && !has_point) {
      has_point = true;
      continue;
    }
    if (c < '0' || c > '9') {
      return false;
    }
    has_digit = true;
    unit = has_point ? unit / 10 : unit;
    value = has_point ? value + (c - '0') * unit : value * 10 + (c - '0');
  }
  if (has_digit) {
    out = value;
  }
  return has_digit;
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string_view next_item(std::string_view& rest) {
  const std::size_t comma = std::min(rest.find(','), rest.size());
  const std::string_view item = trimmed(rest.substr(0, comma));
  rest.remove_prefix(std::min(comma + 1, rest.size()));
  return item;
}

bool parse_boolean(std::string_view text, std::string_view /*accepted*/, bool& out) {
  const bool is_true = equal_ignoring_case(text, "true");
  if (!is_true && !equal_ignoring_case(text, "false")) {
    return false;
  }
  out = is_true;
  return true;
}

bool parse_integer(std::string_view text, std::string_view accepted, std::int64_t& out) {
  return parse_in_range(text, accepted, kNoUnits, out);
}

bool parse_bytes(std::string_view text, std::string_view accepted, std::int64_t& out) {
  return parse_in_range(text, accepted, kByteUnits, out);
}

bool parse_duration(std::string_view text, std::string_view accepted, std::int64_t& out) {
  return parse_in_range(text, accepted, kDurationUnits, out);
}

bool parse_latency(std::string_view text, std::string_view accepted, std::int64_t& out) {
  return parse_in_range(text, accepted, kLatencyUnits, out);
}

bool parse_percent(std::string_view text, std::string_view accepted, double& out) {
  const std::size_t dash = accepted.find('-');
  double value = 0;
  double low = 0;
  double high = 0;
  if (!parse_decimal(text, value) || !parse_decimal(accepted.substr(0, dash), low) ||
      !parse_decimal(accepted.substr(dash + 1), high) || value < low || value > high) {
    return false;
  }
  out = value;
  return true;
}

bool parse_choice(std::string_view text, std::string_view accepted, int& out) {
  for (int position = 0; !accepted.empty(); ++position) {
    if (equal_ignoring_case(text, next_item(accepted))) {
      out = position;
      return true;
    }
  }
  return false;
}

bool parse_sampling(std::string_view text, std::string_view accepted, SamplingWish& out) {
  constexpr std::string_view kRatio = "ratio:";
  int word = 0;
  if (!equal_ignoring_case(text.substr(0, kRatio.size()), kRatio)) {
    // The last of those accepted stands for the ratio, and is no word itself.
    if (!parse_choice(text, accepted, word) || word >= static_cast<int>(SamplingMode::kRatio)) {
      return false;
    }
    out = {static_cast<SamplingMode>(word), 1};
    return true;
  }
  text.remove_prefix(kRatio.size());
  double ratio = 0;
  if (!parse_decimal(text, ratio) || ratio > 1) {
    return false;
  }
  out = {SamplingMode::kRatio, ratio};
  return true;
}

bool parse_set(std::string_view text, std::string_view accepted, unsigned& out) {
  if (equal_ignoring_case(text, "none")) {
    out = 0;
    return true;
  }
  unsigned chosen = 0;
  while (!text.empty()) {
    const std::string_view word = next_item(text);
    int position = 0;
    if (equal_ignoring_case(word, "none") || !parse_choice(word, accepted, position)) {
      return false;
    }
    chosen |= 1U << static_cast<unsigned>(position);
  }
  out = chosen;
  return true;
}

bool parse_text(std::string_view text, std::string_view /*accepted*/, std::string& out) {
  out = text;
  return true;
}

}  // namespace otprof::agent
