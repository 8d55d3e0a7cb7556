// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <chrono>
#include <ctime>

#include "transport/backoff.h"

using otprof::transport::backoff_delay;
using otprof::transport::kMaxRetryAfter;
using otprof::transport::parse_retry_after;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr milliseconds kFirst{1000};
constexpr milliseconds kMax{30000};
constexpr std::time_t kNow = 1795430000;  // Mon, 23 Nov 2026 10:33:20 GMT

}  // namespace

TEST_CASE("delays grow by 1.5 up to the cap") {
  const long expected[] = {1000, 1500, 2250, 3375, 5062, 7593, 11390, 17085, 25628, 30000, 30000};
  for (unsigned failures = 1; failures <= 11; ++failures) {
    CHECK(backoff_delay(failures, kFirst, kMax, 0.5).count() == expected[failures - 1]);
  }
  CHECK(backoff_delay(1000000, kFirst, kMax, 0.5) == kMax);
  CHECK(backoff_delay(4000000000U, kFirst, kMax, 0.5) == kMax);
}

TEST_CASE("jitter spans half to one and a half times the delay") {
  CHECK(backoff_delay(1, kFirst, kMax, 0.0).count() == 500);
  CHECK(backoff_delay(1, kFirst, kMax, 0.9999).count() == 1499);
  CHECK(backoff_delay(20, kFirst, kMax, 0.0).count() == 15000);
  CHECK(backoff_delay(20, kFirst, kMax, 0.9999).count() == 44997);
}

TEST_CASE("Retry-After in seconds") {
  CHECK(parse_retry_after("120", kNow) == seconds(120));
  CHECK(parse_retry_after(" 1\r\n", kNow) == seconds(1));
  CHECK(parse_retry_after("0", kNow) == seconds(0));
  CHECK(parse_retry_after("299", kNow) == seconds(299));
  CHECK(parse_retry_after("301", kNow) == kMaxRetryAfter);
  CHECK(parse_retry_after("99999999999999999999999999999999999999", kNow) == kMaxRetryAfter);
}

TEST_CASE("Retry-After as a date, in the three forms of RFC 9110") {
  CHECK(parse_retry_after("Mon, 23 Nov 2026 10:33:50 GMT", kNow) == seconds(30));
  CHECK(parse_retry_after("Monday, 23-Nov-26 10:33:50 GMT", kNow) == seconds(30));
  CHECK(parse_retry_after("Mon Nov 23 10:33:50 2026", kNow) == seconds(30));
  CHECK(parse_retry_after("Mon, 23 Nov 2026 10:33:00 GMT", kNow) == seconds(0));
  CHECK(parse_retry_after("Tue, 24 Nov 2026 10:33:00 GMT", kNow) == kMaxRetryAfter);
}

TEST_CASE("any other Retry-After is as none") {
  for (const auto* text : {"", "  ", "soon", "-5", "1.5", "5s", "1 2 3 4", "Mon, 99 Foo 2026"}) {
    INFO(text);
    CHECK_FALSE(parse_retry_after(text, kNow));
  }
  CHECK_FALSE(parse_retry_after(std::string(1000, '1'), kNow));
}
