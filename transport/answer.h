// SPDX-License-Identifier: Apache-2.0
//
// What came of one attempt, and what OTLP says must follow from it (standards.md section 2.2).
// Pure functions, any thread but no signal handler (they allocate).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace otprof::transport {

// More than this, counted after decompression, is not read: the transfer is broken off.
inline constexpr std::size_t kMaxAnswerBytes = std::size_t{4} << 20;
// Of which this much is looked at; an OTLP answer is a few bytes and a sentence.
inline constexpr std::size_t kKeptAnswerBytes = std::size_t{64} << 10;

struct Answer {
  int status = 0;           // of the final response; 0: none came
  std::string body;         // decoded, the first kKeptAnswerBytes
  std::string retry_after;  // the header as it came
  std::string redirect;     // where a 3xx points
  std::string failure;      // why the transfer ended early; may be set beside a status
  bool too_large = false;   // broken off at kMaxAnswerBytes
  bool not_http = false;    // something answered, but not in HTTP/1
  std::uint64_t bytes_sent = 0;
};

enum class Verdict {
  kDelivered,  // 2xx
  kRetry,      // 429, 502, 503, 504, or no HTTP status at all
  kRefused,    // any other status, or an answer above kMaxAnswerBytes whatever its status
};

Verdict judge(const Answer& answer);

// For a warning: "HTTP 400: bad dictionary", "Connection refused", with a hint where one helps.
std::string explain(const Answer& answer);

}  // namespace otprof::transport
