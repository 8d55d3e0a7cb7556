// SPDX-License-Identifier: Apache-2.0
#include "transport/backoff.h"

#include <curl/curl.h>

#include <algorithm>
#include <cstdint>
#include <string>

namespace otprof::transport {

namespace {

constexpr double kMultiplier = 1.5;
constexpr std::size_t kMaxDateLength = 64;

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

}  // namespace

std::chrono::milliseconds backoff_delay(unsigned failures, std::chrono::milliseconds first,
                                        std::chrono::milliseconds max, double random01) {
  // Multiplied step by step: pow() would make libm a dependency of every host.
  const auto most = static_cast<double>(max.count());
  double base = std::min(static_cast<double>(first.count()), most);
  for (unsigned failure = 1; failure < failures && base < most; ++failure) {
    base = std::min(base * kMultiplier, most);
  }
  return std::chrono::milliseconds(static_cast<std::int64_t>(base * (0.5 + random01)));
}

std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value,
                                                           std::time_t now) {
  const std::string_view text = trim(value);
  if (text.empty() || text.size() > kMaxDateLength) return std::nullopt;
  constexpr std::int64_t limit = kMaxRetryAfter.count();
  std::int64_t seconds = 0;
  if (text.find_first_not_of("0123456789") == std::string_view::npos) {
    for (const char digit : text) seconds = std::min(limit, seconds * 10 + (digit - '0'));
  } else {
    const std::time_t date = curl_getdate(std::string(text).c_str(), nullptr);
    if (date < 0) return std::nullopt;
    seconds = date <= now ? 0 : std::min(limit, static_cast<std::int64_t>(date - now));
  }
  return std::chrono::seconds(seconds);
}

}  // namespace otprof::transport
