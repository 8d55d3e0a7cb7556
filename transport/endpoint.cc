// SPDX-License-Identifier: Apache-2.0
#include "transport/endpoint.h"

#include <curl/curl.h>
#include <strings.h>

#include <algorithm>
#include <memory>

namespace otprof::transport {

namespace {

constexpr std::string_view kPath = "v1development/profiles";
constexpr const char* kAccepted = "; accepted is http://HOST[:PORT][/PATH] or https://...";

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() &&
         strncasecmp(text.data(), prefix.data(), prefix.size()) == 0;
}

// Where the parts of an absolute URL are in its text; nothing is decoded.
struct Parts {
  std::size_t authority = 0;  // begin, after "://"
  std::size_t path = 0;       // begin = end of the authority
  std::size_t query = 0;      // begin, with the '?'; = end if there is none
  std::size_t end = 0;        // begin of the fragment, which is not part of a request
};

Parts find_parts(std::string_view url) {
  Parts parts;
  const auto scheme_end = url.find("://");
  parts.authority = scheme_end == std::string_view::npos ? 0 : scheme_end + 3;
  parts.end = std::min(url.find('#', parts.authority), url.size());
  parts.path = std::min(url.find_first_of("/?#", parts.authority), parts.end);
  parts.query = std::min(url.find('?', parts.path), parts.end);
  return parts;
}

struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

// libcurl's own parser decides, so that what is accepted here is what the transfer will take.
bool check_url(const std::string& url, std::string& error) {
  if (!starts_with_ignoring_case(url, "http://") && !starts_with_ignoring_case(url, "https://")) {
    error =
        std::string(url.find("://") == std::string::npos ? "no scheme" : "scheme not supported") +
        kAccepted;
    return false;
  }
  for (const char c : url) {
    if (c > ' ' && c < 0x7f) continue;
    error =
        "white space, control or non-ASCII character in the URL (write it as %XX, a host name"
        " in its xn-- form)";
    return false;
  }
  const Parts parts = find_parts(url);
  if (parts.path == parts.authority) {  // libcurl would take "http:///p" for "http://p"
    error = std::string("no host") + kAccepted;
    return false;
  }
  const std::unique_ptr<CURLU, UrlDeleter> parsed(curl_url());
  if (parsed == nullptr) {
    error = "out of memory";
    return false;
  }
  const CURLUcode code = curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), CURLU_PATH_AS_IS);
  if (code == CURLUE_BAD_PORT_NUMBER) {
    error = "the port is not a number from 1 to 65535";
    return false;
  }
  if (code != CURLUE_OK) {
    error = std::string(curl_url_strerror(code)) + kAccepted;
    return false;
  }
  char* port = nullptr;
  if (curl_url_get(parsed.get(), CURLUPART_PORT, &port, 0) != CURLUE_OK) return true;
  const bool zero = std::string_view(port) == "0";
  curl_free(port);
  if (zero) error = "the port is not a number from 1 to 65535";
  return !zero;
}

}  // namespace

bool url_from_base_endpoint(std::string_view base, std::string& url, std::string& error) {
  const std::string text(trim(base));
  if (!check_url(text, error)) return false;
  const Parts parts = find_parts(text);
  std::string_view path = std::string_view(text).substr(0, parts.query);
  while (path.size() > parts.path && path.back() == '/') path.remove_suffix(1);
  url = path;
  url += '/';
  url += kPath;
  url.append(text, parts.query, parts.end - parts.query);
  return true;
}

bool url_from_signal_endpoint(std::string_view endpoint, std::string& url, std::string& error) {
  const std::string text(trim(endpoint));
  if (!check_url(text, error)) return false;
  const Parts parts = find_parts(text);
  url.assign(text, 0, parts.query);
  if (parts.path == parts.query) url += '/';
  url.append(text, parts.query, parts.end - parts.query);
  return true;
}

std::string display_url(std::string_view url) {
  const Parts parts = find_parts(url);
  const std::string_view authority = url.substr(parts.authority, parts.path - parts.authority);
  const auto at = authority.rfind('@');
  std::string shown(url.substr(0, parts.authority));
  shown += at == std::string_view::npos ? authority : authority.substr(at + 1);
  shown += url.substr(parts.path, parts.query - parts.path);
  return shown;
}

std::string_view proxy_for_url(std::string_view url, std::string_view http_proxy,
                               std::string_view https_proxy, std::string_view all_proxy) {
  const std::string_view own = starts_with_ignoring_case(url, "https:") ? https_proxy : http_proxy;
  return own.empty() ? all_proxy : own;
}

}  // namespace otprof::transport
