// SPDX-License-Identifier: Apache-2.0
#include "transport/answer.h"

#include <string_view>

#include "transport/endpoint.h"
#include "transport/response.h"

namespace otprof::transport {

namespace {

bool is_success(int status) { return status >= 200 && status < 300; }
bool is_redirect(int status) { return status >= 300 && status < 400; }

std::string_view hint(int status) {
  switch (status) {
    case 401:
    case 403: return " (are the credentials in OTEL_EXPORTER_OTLP_HEADERS right?)";
    case 404:
      return " (a Collector answers so without a profiles pipeline, which needs"
             " --feature-gates=service.profilesSupport)";
    case 407: return " (the proxy wants credentials: http://user:password@proxy:port)";
    default: return {};
  }
}

}  // namespace

Verdict judge(const Answer& answer) {
  if (answer.too_large) return Verdict::kRefused;
  if (is_success(answer.status)) return Verdict::kDelivered;
  switch (answer.status) {
    case 0:
    case 429:
    case 502:
    case 503:
    case 504: return Verdict::kRetry;
    default: return Verdict::kRefused;
  }
}

std::string explain(const Answer& answer) {
  if (answer.not_http) {
    return "the answer is not HTTP/1.1 (a gRPC port? OTLP over HTTP is usually on 4318)";
  }
  if (answer.status == 0) return printable(answer.failure);
  std::string text = "HTTP " + std::to_string(answer.status);
  if (answer.too_large) return text + " with an answer of more than 4 MiB";
  if (is_redirect(answer.status)) {
    text += ", and redirects are not followed";
    if (!answer.redirect.empty()) text += "; it points to " + display_url(answer.redirect);
    return text;
  }
  const auto message = decode_status_message(answer.body);
  const std::string words = printable(message.value_or(answer.body));
  if (!words.empty()) text += ": " + words;
  text += hint(answer.status);
  return text;
}

}  // namespace otprof::transport
