// SPDX-License-Identifier: Apache-2.0
#include "transport/spool_names.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace otprof::transport {
namespace {

constexpr std::string_view kWindowSuffix = ".otlp";
// Digits of the two numbers in a name.
constexpr std::size_t kTimeDigits = 20;
constexpr std::size_t kNumberDigits = 16;

std::string padded(std::uint64_t value, int base, std::size_t digits) {
  std::array<char, 24> text{};
  const char* end = std::to_chars(text.data(), text.data() + text.size(), value, base).ptr;
  const auto length = static_cast<std::size_t>(end - text.data());
  return std::string(digits - std::min(digits, length), '0') + std::string(text.data(), length);
}

bool read_number(std::string_view text, int base, std::uint64_t& value) {
  const char* end = text.data() + text.size();
  return std::from_chars(text.data(), end, value, base).ptr == end;
}

bool take_suffix(std::string_view& name, std::string_view suffix) {
  if (!name.ends_with(suffix)) return false;
  name.remove_suffix(suffix.size());
  return true;
}

// The field behind the last dot.
std::string_view take_field(std::string_view& name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return {};
  const std::string_view field = name.substr(dot + 1);
  name.remove_suffix(field.size() + 1);
  return field;
}

}  // namespace

std::string spool_prefix(std::string_view service) {
  constexpr std::size_t kMost = 64;
  std::string prefix;
  for (const char c : service.substr(0, kMost)) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '_' || c == '-';
    prefix += is_plain ? c : '_';
  }
  const uLong sum = crc32_z(0, reinterpret_cast<const Bytef*>(service.data()), service.size());
  return prefix + "." + padded(sum, 16, 8) + ".";
}

std::string window_name(std::string_view prefix, WindowId id) {
  std::string name(prefix);
  name.append(padded(id.start_ns, 10, kTimeDigits)).append(".");
  return name.append(padded(id.number, 16, kNumberDigits)).append(kWindowSuffix);
}

std::optional<WindowName> parse_window_name(std::string_view name, std::string_view prefix) {
  WindowName parsed;
  if (take_suffix(name, kBadSuffix)) {
    parsed.kind = WindowName::Kind::kBad;
  } else if (take_suffix(name, kTemporarySuffix)) {
    parsed.kind = WindowName::Kind::kTemporary;
  }
  if (!take_suffix(name, kWindowSuffix)) return std::nullopt;
  const std::string_view number = take_field(name);
  const std::string_view start = take_field(name);
  if (number.size() != kNumberDigits || start.size() != kTimeDigits ||
      !read_number(number, 16, parsed.id.number) || !read_number(start, 10, parsed.id.start_ns)) {
    return std::nullopt;
  }
  parsed.is_own_service = name == prefix.substr(0, prefix.size() - 1);
  return parsed;
}

}  // namespace otprof::transport
