// SPDX-License-Identifier: Apache-2.0
//
// How long to wait before the next attempt. Pure functions, any thread but no signal handler.
#pragma once

#include <chrono>
#include <ctime>
#include <optional>
#include <string_view>

namespace otprof::transport {

// A server cannot silence the sender for longer than this with one Retry-After.
inline constexpr std::chrono::seconds kMaxRetryAfter{300};

// Delay after `failures` (1, 2, ...) failed attempts in a row: first * 1.5^(failures - 1), at most
// `max`, times 0.5 + random01, so that many processes that lost the same server at the same moment
// do not come back at the same moment. `random01` lies in [0, 1).
std::chrono::milliseconds backoff_delay(unsigned failures, std::chrono::milliseconds first,
                                        std::chrono::milliseconds max, double random01);

// The value of a Retry-After header, seconds or HTTP-date (RFC 9110, 10.2.3), as the time to wait
// from `now`, 0 to kMaxRetryAfter. Nothing if it is neither.
std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value, std::time_t now);

}  // namespace otprof::transport
