// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <cstdint>
#include <limits>
#include <random>
#include <string>

#include "transport/response.h"

using otprof::transport::decode_export_response;
using otprof::transport::decode_status_message;
using otprof::transport::printable;
// clang-tidy 14 does not see that literals use it.
using std::string_literals::operator""s;  // NOLINT(misc-unused-using-decls)

TEST_CASE("an empty answer and an empty partial_success are full success") {
  for (const auto& bytes : {""s, "\x0a\x00"s, "\x0a\x02\x08\x00"s}) {
    const auto response = decode_export_response(bytes);
    REQUIRE(response);
    CHECK(response->rejected_profiles == 0);
    CHECK(response->error_message.empty());
  }
}

TEST_CASE("partial_success is read in any order, unknown fields are skipped") {
  for (const auto& bytes : {
           "\x0a\x08\x08\x96\x01\x12\x03"s + "bad",
           "\x0a\x08\x12\x03"s + "bad" + "\x08\x96\x01",
           "\x78\x05\x0a\x08\x08\x96\x01\x12\x03"s + "bad" + "\x82\x01\x02zz",
           "\x0a\x11\x19"s + "12345678" + "\x08\x96\x01\x12\x03" + "bad",
           "\x0a\x0d\x25"s + "1234" + "\x08\x96\x01\x12\x03" + "bad",
           "\x0a\x03\x08\x96\x01\x0a\x05\x12\x03"s + "bad",
       }) {
    const auto response = decode_export_response(bytes);
    REQUIRE(response);
    CHECK(response->rejected_profiles == 150);
    CHECK(response->error_message == "bad");
  }
}

TEST_CASE("rejected_profiles: largest, and never negative") {
  const auto largest = decode_export_response("\x0a\x0a\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f"s);
  REQUIRE(largest);
  CHECK(largest->rejected_profiles == std::numeric_limits<std::int64_t>::max());
  const auto negative =
      decode_export_response("\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s);
  REQUIRE(negative);
  CHECK(negative->rejected_profiles == 0);
}

TEST_CASE("what does not fit is malformed") {
  for (const auto& bytes : {
           "\x0a"s,                                              // no length
           "\x0a\x05\x08\x01"s,                                  // length past the end
           "\x0a\x02\x12\x05"s,                                  // inner length past the end
           "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s,      // length of 2^64 - 1
           "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"s,      // a varint of more than 64 bits
           "\x0a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"s,  // of more than 10 bytes
           "\x0a\x02\x08\x80"s,                                  // a varint without an end
           "\x00\x01"s,                                          // field number 0
           "\xf8\xff\xff\xff\x7f\x01"s,                          // field number above 2^29
           "\x0b\x0c"s,                                          // groups
           "\x0e\x01"s,                                          // wire type 6
           "\x09\x01\x02"s,                                      // a short fixed64
           "\x0d\x01\x02"s,                                      // a short fixed32
           "{\"partialSuccess\":{}}"s,
           "OK"s,
           "<html></html>"s,
       }) {
    CHECK_FALSE(decode_export_response(bytes));
  }
}

TEST_CASE("google.rpc.Status: the message, if there is one") {
  CHECK(decode_status_message("\x08\x03\x12\x03"s + "bad").value_or("") == "bad");
  CHECK(decode_status_message("\x12\x03"s + "bad" + "\x1a\x02zz").value_or("") == "bad");
  CHECK_FALSE(decode_status_message("\x08\x03"));
  CHECK_FALSE(decode_status_message(""));
  CHECK_FALSE(decode_status_message("404 page not found\n"));
}

TEST_CASE("garbage is survived and views stay inside the input") {
  std::mt19937 random(11);
  for (int round = 0; round < 50000; ++round) {
    // Small bytes make valid tags and lengths likely.
    std::string bytes(random() % 40, '\0');
    for (char& c : bytes) c = static_cast<char>(random() % 4 == 0 ? random() : random() % 20);
    const std::string_view view = bytes;
    if (const auto response = decode_export_response(view)) {
      CHECK(response->rejected_profiles >= 0);
      if (!response->error_message.empty()) {
        CHECK(response->error_message.data() >= view.data());
        CHECK(response->error_message.end() <= view.end());
      }
    }
    if (const auto message = decode_status_message(view)) {
      CHECK(message->data() >= view.data());
      CHECK(message->end() <= view.end());
    }
  }
}

TEST_CASE("printable: one line, no escapes, at most 200 characters") {
  CHECK(printable("bad dictionary") == "bad dictionary");
  CHECK(printable("  two\r\n\tlines \n") == "two lines");
  CHECK(printable("\x1b[31mred\x1b[0m\x07") == "[31mred [0m");
  CHECK(printable("caf\xc3\xa9 \xe2\x80\xae!") == "caf !");
  CHECK(printable("\0\0"s).empty());
  CHECK(printable(std::string(1000, 'x')) == std::string(200, 'x'));
}
