// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <random>
#include <string>

#include "transport/endpoint.h"

using otprof::transport::KeyValues;
using otprof::transport::parse_headers;
using otprof::transport::parse_resource_attributes;

namespace {

struct Parsed {
  bool ok = false;
  KeyValues items;
  std::string error;
};

Parsed headers(std::string_view text) {
  Parsed parsed;
  parsed.items = {{"left", "over"}};
  parsed.ok = parse_headers(text, parsed.items, parsed.error);
  return parsed;
}

Parsed attributes(std::string_view text) {
  Parsed parsed;
  parsed.items = {{"left", "over"}};
  parsed.ok = parse_resource_attributes(text, parsed.items, parsed.error);
  return parsed;
}

}  // namespace

TEST_CASE("headers: a list of k=v") {
  CHECK(headers("a=b").items == KeyValues{{"a", "b"}});
  CHECK(headers("a=b,c=d").items == KeyValues{{"a", "b"}, {"c", "d"}});
  CHECK(headers(" a = b ,\tc = d ").items == KeyValues{{"a", "b"}, {"c", "d"}});
  CHECK(headers("a=").items == KeyValues{{"a", ""}});
  CHECK(headers("").items.empty());
  CHECK(headers("").ok);
  CHECK(headers(" ,, a=b, ").ok);
  CHECK(headers(" ,, a=b, ").items == KeyValues{{"a", "b"}});
}

TEST_CASE("headers: values are percent-decoded, everything else is literal") {
  CHECK(headers("authorization=Basic%20dTpw%3D%3D").items ==
        KeyValues{{"authorization", "Basic dTpw=="}});
  CHECK(headers("authorization=Bearer abc==").items ==
        KeyValues{{"authorization", "Bearer abc=="}});
  CHECK(headers("cookie=a=b; c=d").items == KeyValues{{"cookie", "a=b; c=d"}});
  CHECK(headers("a=1+2%2c3").items == KeyValues{{"a", "1+2,3"}});
  CHECK(headers("a=%c3%BC").items == KeyValues{{"a", "\xc3\xbc"}});
}

TEST_CASE("headers: the last of equal names wins, whatever their case") {
  CHECK(headers("X-Tenant=1,a=b,x-tenant=2").items == KeyValues{{"X-Tenant", "2"}, {"a", "b"}});
}

TEST_CASE("headers: a bad item is told and left out, the others stay") {
  const auto parsed = headers("good=1,Bearer secret,also=2");
  CHECK_FALSE(parsed.ok);
  CHECK(parsed.items == KeyValues{{"good", "1"}, {"also", "2"}});
  CHECK(parsed.error == "item 2 has no '='");

  CHECK(headers("a b=1").error == "item 1 does not begin with a header name");
  CHECK(headers("=1").error == "item 1 does not begin with a header name");
  CHECK(headers("h\xc3\xa9=1").error == "item 1 does not begin with a header name");
  CHECK(headers("a=1%").error == "the value of 'a' has a '%' without two hex digits (%25 is '%')");
  CHECK(headers("a=%2").error == "the value of 'a' has a '%' without two hex digits (%25 is '%')");
  CHECK(headers("a=%zz").error == "the value of 'a' has a '%' without two hex digits (%25 is '%')");
}

TEST_CASE("headers: no value can start a header of its own") {
  for (const auto* text :
       {"a=b%0d%0aX: y", "a=b%0aX: y", "a=%00", "a=%7f", "a=b\r\nc", "a=\x1b[2J"}) {
    INFO(text);
    const auto parsed = headers(text);
    CHECK(parsed.error == "the value of 'a' has a control character");
    CHECK(parsed.items.empty());
  }
  // Names are not decoded; '%' is an ordinary character of theirs.
  CHECK(headers("a%0d%0ab=c").items == KeyValues{{"a%0d%0ab", "c"}});
}

TEST_CASE("headers: what the exporter sets itself is refused") {
  for (const auto* name :
       {"Content-Type", "content-encoding", "Content-Length", "Transfer-Encoding", "User-Agent",
        "OTLP-Profiles-Development-Version", "otlp-profiles-development-version", "EXPECT",
        "Accept-Encoding", "Connection"}) {
    const auto parsed = headers(std::string(name) + "=1,a=b");
    CHECK(parsed.error == "the header '" + std::string(name) + "' is set by the exporter itself");
    CHECK(parsed.items == KeyValues{{"a", "b"}});
  }
}

TEST_CASE("headers: no message ever shows a value") {
  for (const auto* text :
       {"s3cret", "a b=s3cret", "a=s3cret%", "a=s3cret%00", "content-type=s3cret"}) {
    const auto parsed = headers(text);
    CHECK_FALSE(parsed.ok);
    CHECK_THAT(parsed.error, !Catch::Contains("s3cret"));
  }
}

TEST_CASE("resource attributes: keys and values are percent-decoded") {
  CHECK(attributes("service.name=shop,deployment.environment.name=prod").items ==
        KeyValues{{"service.name", "shop"}, {"deployment.environment.name", "prod"}});
  CHECK(attributes(" a%2Cb = c%3Dd ").items == KeyValues{{"a,b", "c=d"}});
  CHECK(attributes("k=a=b").items == KeyValues{{"k", "a=b"}});
  CHECK(attributes("k=").items == KeyValues{{"k", ""}});
  CHECK(attributes("k=1,k=2").items == KeyValues{{"k", "2"}});
  CHECK(attributes("k=%F0%9F%94%A5\xe2\x82\xac").items ==
        KeyValues{{"k", "\xf0\x9f\x94\xa5\xe2\x82\xac"}});
  CHECK(attributes("").ok);
  CHECK(attributes("  ").ok);
}

TEST_CASE("resource attributes: any error discards everything") {
  const auto discarded = [](std::string_view text, const std::string& error) {
    const auto parsed = attributes(text);
    CHECK_FALSE(parsed.ok);
    CHECK(parsed.items.empty());
    CHECK(parsed.error == error);
  };
  discarded("a=b,c", "item 2 has no '='");
  discarded("a=b,=c", "item 2 has no key");
  discarded("a=b,,c=d", "an item is empty");
  discarded("a=b,", "an item is empty");
  discarded("a=b,c=%", "item 2 has a '%' without two hex digits (%25 is '%')");
  discarded("a=b,%4=c", "item 2 has a '%' without two hex digits (%25 is '%')");
  for (const auto* bytes : {"%80", "%c3", "%c0%af", "%ed%a0%80", "%f4%90%80%80", "%f8%88%80%80%80",
                            "%e2%82", "%ff", "%e0%80%80", "%f0%80%80%80"}) {
    discarded("a=b,c=" + std::string(bytes), "item 2 is not UTF-8");
  }
}

TEST_CASE("any text is survived") {
  std::mt19937 random(7);
  using std::string_view_literals::operator""sv;
  constexpr std::string_view alphabet = "a=,%2 \t;\x80\xc3\0\n"sv;
  for (int round = 0; round < 20000; ++round) {
    std::string text(random() % 24, ' ');
    for (char& c : text) c = alphabet[random() % alphabet.size()];
    const auto h = headers(text);
    CHECK(h.ok == h.error.empty());
    const auto a = attributes(text);
    CHECK(a.ok == a.error.empty());
    if (!a.ok) CHECK(a.items.empty());
  }
}
