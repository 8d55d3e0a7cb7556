// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <chrono>
#include <string>

#include "transport/delivery_log.h"

using otprof::transport::DeliveryLog;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

const DeliveryLog::Time kStart{hours(1)};
const std::string kUrl = "http://c/v1development/profiles";

}  // namespace

TEST_CASE("an outage has one line at its beginning and one at its end") {
  DeliveryLog log(kUrl);
  CHECK(log.delivered(kStart).empty());
  CHECK(log.failed(kStart, "Connection refused", 1) ==
        "cannot deliver to " + kUrl + ": Connection refused; retrying, 1 window queued");
  for (int i = 1; i < 1000; ++i) CHECK(log.failed(kStart + minutes(i), "timeout", 5).empty());
  log.dropped(3);
  CHECK(log.delivered(kStart + minutes(1000)) ==
        "delivered to " + kUrl + " again after 60000 s, 3 windows dropped");
  CHECK(log.delivered(kStart + minutes(1001)).empty());
}

TEST_CASE("short outages in quick succession are told once, a lasting one later") {
  DeliveryLog log(kUrl);
  CHECK_FALSE(log.failed(kStart, "x", 1).empty());
  CHECK_FALSE(log.delivered(kStart + seconds(1)).empty());
  for (int i = 2; i < 100; ++i) {
    CHECK(log.failed(kStart + seconds(i), "x", 1).empty());
    CHECK(log.delivered(kStart + seconds(i)).empty());
  }
  CHECK(log.failed(kStart + minutes(4), "x", 1).empty());
  CHECK(log.failed(kStart + minutes(6), "y", 2) ==
        "cannot deliver to " + kUrl + ": y; retrying, 2 windows queued");
  CHECK(log.delivered(kStart + minutes(7)) ==
        "delivered to " + kUrl + " again after 180 s, 0 windows dropped");
}

TEST_CASE("refusals are told and counted, and end with the next delivery") {
  DeliveryLog log(kUrl);
  CHECK(log.refused(kStart, "HTTP 400: bad") ==
        kUrl + " refused a window, which is dropped and not sent again: HTTP 400: bad");
  CHECK(log.refused(kStart + seconds(60), "HTTP 400: bad").empty());
  CHECK(log.delivered(kStart + seconds(120)) ==
        "delivered to " + kUrl + " again after 120 s, 2 windows dropped");
}

TEST_CASE("a refusal after an outage that was told is told too") {
  DeliveryLog log(kUrl);
  CHECK_FALSE(log.failed(kStart, "Connection refused", 1).empty());
  CHECK_FALSE(log.refused(kStart + seconds(5), "HTTP 401").empty());
}

TEST_CASE("remarks about delivered windows are told once per quiet time each") {
  DeliveryLog log(kUrl);
  CHECK(log.partial(kStart, 2, "too old") == kUrl + " rejected 2 profiles of a window: too old");
  CHECK(log.partial(kStart + minutes(4), 2, "too old").empty());
  CHECK(log.partial(kStart + minutes(5), 0, "slow down") ==
        kUrl + " took a window with a remark: slow down");
  CHECK(log.strange_answer(kStart, 200, "It works!") ==
        kUrl +
            " answered 200, but not as an OTLP receiver does; is it the right address?"
            " It said: It works!");
  CHECK(log.strange_answer(kStart + seconds(1), 200, "").empty());
  CHECK(log.too_large(kStart, 70, 64) ==
        "a window of 70 bytes is above the limit of 64 and is dropped");
}

TEST_CASE("what is lost at exit is told whatever was told before") {
  DeliveryLog log(kUrl);
  log.failed(kStart, "Connection refused", 1);
  CHECK(log.lost_at_exit(2, "Connection refused") ==
        "2 windows not delivered to " + kUrl + " before exit: Connection refused");
}
