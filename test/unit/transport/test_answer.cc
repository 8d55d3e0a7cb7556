// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <string>

#include "transport/answer.h"

using otprof::transport::Answer;
using otprof::transport::explain;
using otprof::transport::judge;
using otprof::transport::Verdict;
// clang-tidy 14 does not see that literals use it.
using std::string_literals::operator""s;  // NOLINT(misc-unused-using-decls)

namespace {

Answer with_status(int status, std::string body = {}) {
  Answer answer;
  answer.status = status;
  answer.body = std::move(body);
  return answer;
}

}  // namespace

TEST_CASE("the status decides") {
  for (int status = 200; status < 600; ++status) {
    Verdict expected = Verdict::kRefused;
    if (status < 300) expected = Verdict::kDelivered;
    if (status == 429 || status == 502 || status == 503 || status == 504)
      expected = Verdict::kRetry;
    CHECK(judge(with_status(status)) == expected);
  }
  CHECK(judge(with_status(999)) == Verdict::kRefused);
}

TEST_CASE("without a status: again; cut off behind a status: the status holds") {
  Answer answer;
  answer.failure = "Connection reset by peer";
  CHECK(judge(answer) == Verdict::kRetry);
  answer.status = 200;
  CHECK(judge(answer) == Verdict::kDelivered);
  answer.status = 503;
  CHECK(judge(answer) == Verdict::kRetry);
  answer.status = 400;
  CHECK(judge(answer) == Verdict::kRefused);
}

TEST_CASE("an answer that is too large is never asked for again") {
  for (const int status : {200, 400, 429, 503}) {
    Answer answer = with_status(status);
    answer.too_large = true;
    CHECK(judge(answer) == Verdict::kRefused);
    CHECK(explain(answer) ==
          "HTTP " + std::to_string(status) + " with an answer of more than 4 MiB");
  }
}

TEST_CASE("reasons: Status message, plain text, nothing") {
  CHECK(explain(with_status(400, "\x08\x03\x12\x0e"s + "bad dictionary")) ==
        "HTTP 400: bad dictionary");
  CHECK(explain(with_status(415, "unsupported\ncontent type\n")) ==
        "HTTP 415: unsupported content type");
  CHECK(explain(with_status(500)) == "HTTP 500");
  CHECK(explain(with_status(413, std::string(5000, 'x'))) == "HTTP 413: " + std::string(200, 'x'));
  CHECK_THAT(explain(with_status(404, "404 page not found\n")),
             Catch::StartsWith("HTTP 404: 404 page not found (a Collector answers so without"));
  CHECK_THAT(explain(with_status(401)), Catch::Contains("OTEL_EXPORTER_OTLP_HEADERS"));
}

TEST_CASE("reasons: no status, not HTTP, redirect") {
  Answer answer;
  answer.failure = "Could not resolve host: c\x1b[0m";
  CHECK(explain(answer) == "Could not resolve host: c [0m");
  answer.not_http = true;
  CHECK_THAT(explain(answer), Catch::Contains("4318"));

  Answer redirect = with_status(308, "<html>moved</html>");
  CHECK(explain(redirect) == "HTTP 308, and redirects are not followed");
  redirect.redirect = "https://user:pw@c/x?token=1";
  CHECK(explain(redirect) == "HTTP 308, and redirects are not followed; it points to https://c/x");
}
