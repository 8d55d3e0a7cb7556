// SPDX-License-Identifier: Apache-2.0
#include "encoder/utf8.h"

#include <catch2/catch.hpp>

namespace otprof::encoder {
namespace {

const std::string kReplacement = "\xEF\xBF\xBD";

TEST_CASE("well-formed text is left alone") {
  for (const std::string text : {"", "a", "plain ascii that is longer than a word of the machine",
                                 "caf\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xED\x9F\xBF",
                                 "\xEE\x80\x80", "\xF4\x8F\xBF\xBF", "12345678\xC2\x80"}) {
    CHECK(is_utf8(text));
    CHECK(sanitise_utf8(text) == text);
  }
  CHECK(is_utf8(std::string_view("a\0b", 3)));
}

TEST_CASE("ill-formed bytes are found wherever they are") {
  for (const std::string text :
       {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC3", "\xE0\x80\x80", "\xE0\x9F\xBF",
        "\xED\xA0\x80", "\xED\xBF\xBF", "\xE2\x82", "\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFE", "\xFF", "\xF0\x9F\x98"}) {
    CHECK_FALSE(is_utf8(text));
    CHECK_FALSE(is_utf8("1234567" + text));
    CHECK_FALSE(is_utf8("12345678" + text + "12345678"));
    CHECK(is_utf8(sanitise_utf8(text)));
  }
}

TEST_CASE("each ill-formed byte becomes one replacement character") {
  CHECK(sanitise_utf8("a\xFF"
                      "b") == "a" + kReplacement + "b");
  CHECK(sanitise_utf8("\xE2\x82") == kReplacement + kReplacement);
  CHECK(sanitise_utf8("\xC3\xC3\xA9") == kReplacement + "\xC3\xA9");
}

}  // namespace
}  // namespace otprof::encoder
