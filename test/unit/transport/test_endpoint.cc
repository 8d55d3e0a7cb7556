// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <string>

#include "transport/endpoint.h"

using otprof::transport::display_url;
using otprof::transport::proxy_for_url;
using otprof::transport::url_from_base_endpoint;
using otprof::transport::url_from_signal_endpoint;

namespace {

std::string base(const std::string& text) {
  std::string url, error;
  return url_from_base_endpoint(text, url, error) ? url : "error: " + error;
}

std::string signal_form(const std::string& text) {
  std::string url, error;
  return url_from_signal_endpoint(text, url, error) ? url : "error: " + error;
}

}  // namespace

TEST_CASE("general endpoint: the path of profiles is appended with one slash") {
  CHECK(base("http://localhost:4318") == "http://localhost:4318/v1development/profiles");
  CHECK(base("http://localhost:4318/") == "http://localhost:4318/v1development/profiles");
  CHECK(base("https://c.example/otlp") == "https://c.example/otlp/v1development/profiles");
  CHECK(base("https://c.example/otlp/") == "https://c.example/otlp/v1development/profiles");
  CHECK(base("https://c.example/a/b//") == "https://c.example/a/b/v1development/profiles");
  CHECK(base("http://c:4318/v1development/profiles") ==
        "http://c:4318/v1development/profiles/v1development/profiles");
}

TEST_CASE("signal endpoint: used as it is, with '/' when there is no path") {
  CHECK(signal_form("http://c:4318") == "http://c:4318/");
  CHECK(signal_form("http://c:4318/") == "http://c:4318/");
  CHECK(signal_form("http://c:4318/x/y/") == "http://c:4318/x/y/");
  CHECK(signal_form("http://c/a/../b//c/./d%2f") == "http://c/a/../b//c/./d%2f");
  CHECK(signal_form("HTTPS://C.Example/P") == "HTTPS://C.Example/P");
}

TEST_CASE("a query is kept behind the path, a fragment is not sent") {
  CHECK(base("http://c/x?tenant=1&a=/b") == "http://c/x/v1development/profiles?tenant=1&a=/b");
  CHECK(base("http://c?tenant=1") == "http://c/v1development/profiles?tenant=1");
  CHECK(base("http://c/x#top") == "http://c/x/v1development/profiles");
  CHECK(signal_form("http://c?tenant=1") == "http://c/?tenant=1");
  CHECK(signal_form("http://c/p?tenant=1#x?y") == "http://c/p?tenant=1");
}

TEST_CASE("hosts: addresses, brackets, user and password, ports") {
  CHECK(signal_form("http://[::1]:4318/p") == "http://[::1]:4318/p");
  CHECK(signal_form("http://[fe80::1%25eth0]/p") == "http://[fe80::1%25eth0]/p");
  CHECK(signal_form("http://127.0.0.1/p") == "http://127.0.0.1/p");
  CHECK(signal_form("https://user:p%40ss@c:443/p") == "https://user:p%40ss@c:443/p");
  CHECK(signal_form("http://c:65535/") == "http://c:65535/");
  CHECK(signal_form("http://xn--bcher-kva.example/") == "http://xn--bcher-kva.example/");
}

TEST_CASE("white space around is ignored") {
  CHECK(base("  http://c:4318 \n") == "http://c:4318/v1development/profiles");
  CHECK(signal_form("\thttp://c/x\r\n") == "http://c/x");
}

TEST_CASE("a wrong endpoint is told with what is accepted") {
  const std::string accepted = "accepted is http://HOST[:PORT][/PATH] or https://...";
  for (const auto* text :
       {"localhost:4318", "c", "", "   ", "//c/p", "/path", "http:/c", "http:c"}) {
    INFO(text);
    CHECK(base(text) == "error: no scheme; " + accepted);
    CHECK(signal_form(text) == "error: no scheme; " + accepted);
  }
  for (const auto* text : {"grpc://c:4317", "ftp://c", "unix:///run/x", "httpx://c"}) {
    INFO(text);
    CHECK(base(text) == "error: scheme not supported; " + accepted);
  }
  for (const auto* text : {"http://", "http:///p", "http://:4318", "http://[::1", "http://[zz]/",
                           "http://a\\b/", "http://a\"b/"}) {
    INFO(text);
    CHECK_THAT(base(text), Catch::EndsWith(accepted));
    CHECK_THAT(base(text), Catch::StartsWith("error: "));
  }
  for (const auto* text : {"http://c:0", "http://c:65536", "http://c:99999999999", "http://c:-1",
                           "http://c:4318x/p", "http://c:43 18"}) {
    INFO(text);
    CHECK_THAT(base(text), Catch::StartsWith("error: "));
  }
  CHECK(base("http://c:70000") == "error: the port is not a number from 1 to 65535");
  CHECK(base("http://c:0/") == "error: the port is not a number from 1 to 65535");
}

TEST_CASE("white space, control and non-ASCII characters inside are refused") {
  for (const auto* text : {"http://c/a b", "http://c/a\tb", "http://c/a\nHost: x", "http://c/\x01",
                           "http://b\xc3\xbcro.example/"}) {
    CHECK_THAT(signal_form(text), Catch::Contains("character in the URL"));
  }
}

TEST_CASE("a shown URL has no user, password or query") {
  CHECK(display_url("https://u:p@c:443/x?key=secret#f") == "https://c:443/x");
  CHECK(display_url("https://u:p@q@c/x") == "https://c/x");
  CHECK(display_url("http://c/x@y") == "http://c/x@y");
  CHECK(display_url("http://[::1]:1") == "http://[::1]:1");
  CHECK(display_url("http://c?user@x") == "http://c");
}

TEST_CASE("the proxy is that of the scheme, then the one for all") {
  CHECK(proxy_for_url("http://c", "h", "s", "a") == "h");
  CHECK(proxy_for_url("HTTPS://c", "h", "s", "a") == "s");
  CHECK(proxy_for_url("https://c", "h", "", "a") == "a");
  CHECK(proxy_for_url("http://c", "", "s", "").empty());
}
