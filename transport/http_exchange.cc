// SPDX-License-Identifier: Apache-2.0
#include "transport/http_exchange.h"

#include <curl/curl.h>
#include <strings.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include "transport/curl_library.h"
#include "transport/errno_text.h"

namespace otprof::transport {

namespace {

constexpr std::size_t kMaxRetryAfterLength = 128;

// The longest that deadline() and wait() ever mean, though libcurl may know of nothing to wait for.
constexpr std::chrono::milliseconds kLongestPause{60000};

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() &&
         strncasecmp(text.data(), prefix.data(), prefix.size()) == 0;
}

// The child of a fork must not inherit the socket where the descriptor table could not be unshared.
curl_socket_t open_socket(void*, curlsocktype, curl_sockaddr* address) {
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

}  // namespace

struct HttpExchange::Handles {
  explicit Handles(const SenderConfig& of) : config(of) {}

  ~Handles() { release(); }

  void release();
  bool prepare(std::string& error);
  bool set_options();
  void set_tls_options();
  bool build_headers(curl_slist*& list, bool gzip) const;
  Answer finish(CURLcode code);

  static std::size_t on_body(char* data, std::size_t, std::size_t size, void* self);
  static std::size_t on_header(char* data, std::size_t, std::size_t size, void* self);

  const SenderConfig& config;
  CURLM* multi = nullptr;
  CURL* easy = nullptr;
  curl_slist* headers = nullptr;
  curl_slist* gzip_headers = nullptr;
  std::string no_proxy;
  bool active = false;
  bool not_started = false;  // active, but only to report `answer.failure`
  bool start_afresh = false;
  Answer answer;  // filled by the callbacks
  std::size_t answer_bytes = 0;
  char error_text[CURL_ERROR_SIZE] = {};
};

std::size_t HttpExchange::Handles::on_body(char* data, std::size_t, std::size_t size, void* self) {
  auto& handles = *static_cast<Handles*>(self);
  handles.answer_bytes += size;
  if (handles.answer_bytes > kMaxAnswerBytes) {
    handles.answer.too_large = true;
    return 0;  // breaks the transfer off
  }
  std::string& body = handles.answer.body;
  body.append(data, std::min(size, kKeptAnswerBytes - body.size()));
  return size;
}

std::size_t HttpExchange::Handles::on_header(char* data, std::size_t, std::size_t size,
                                             void* self) {
  auto& handles = *static_cast<Handles*>(self);
  const std::string_view line(data, size);
  constexpr std::string_view name = "retry-after:";
  if (starts_with_ignoring_case(line, "http/")) {
    handles.answer.retry_after.clear();  // what an interim response said does not count
  } else if (starts_with_ignoring_case(line, name)) {
    handles.answer.retry_after = line.substr(name.size(), kMaxRetryAfterLength);
  }
  return size;
}

bool HttpExchange::Handles::build_headers(curl_slist*& list, bool gzip) const {
  auto add = [&list](const std::string& line) {
    curl_slist* longer = curl_slist_append(list, line.c_str());
    if (longer != nullptr) list = longer;
    return longer != nullptr;
  };
  // Without "Expect:" libcurl would wait for a "100 Continue" before larger bodies.
  bool ok = add("Content-Type: application/x-protobuf") &&
            add("OTLP-Profiles-Development-Version: 1") && add("Expect:") &&
            (!gzip || add("Content-Encoding: gzip"));
  for (const auto& [name, value] : config.headers) {
    // libcurl's notation: "Name:" would remove the header, "Name;" sends it empty.
    std::string line = name;
    line.append(value.empty() ? ";" : ": ").append(value);
    ok = ok && add(line);
  }
  return ok;
}

void HttpExchange::Handles::release() {
  if (multi != nullptr && easy != nullptr) curl_multi_remove_handle(multi, easy);
  curl_easy_cleanup(easy);
  if (multi != nullptr) curl_multi_cleanup(multi);
  curl_slist_free_all(headers);
  curl_slist_free_all(gzip_headers);
  easy = nullptr;
  multi = nullptr;
  headers = gzip_headers = nullptr;
}

bool HttpExchange::Handles::prepare(std::string& error) {
  if (easy != nullptr) return true;
  if (!start_curl_library(error)) return false;
  multi = curl_multi_init();
  easy = multi != nullptr ? curl_easy_init() : nullptr;
  if (easy != nullptr && build_headers(headers, false) && build_headers(gzip_headers, true) &&
      set_options()) {
    return true;
  }
  release();
  error = "libcurl cannot be set up for this URL";
  return false;
}

bool HttpExchange::Handles::set_options() {
  curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 1L);

  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_NETRC, CURL_NETRC_IGNORED);
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
  curl_easy_setopt(easy, CURLOPT_POST, 1L);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_text);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);

  // Both always set, if only to "": libcurl looks an unset one up in the environment.
  no_proxy = config.no_proxy;
  if (no_proxy != "*") no_proxy += ",localhost,127.0.0.0/8,::1";
  bool ok = curl_easy_setopt(easy, CURLOPT_PROXY, config.proxy.c_str()) == CURLE_OK &&
            curl_easy_setopt(easy, CURLOPT_NOPROXY, no_proxy.c_str()) == CURLE_OK &&
            curl_easy_setopt(easy, CURLOPT_URL, config.url.c_str()) == CURLE_OK &&
            curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
  if (!config.user_agent.empty()) {
    ok = ok && curl_easy_setopt(easy, CURLOPT_USERAGENT, config.user_agent.c_str()) == CURLE_OK;
  }
  set_tls_options();
  return ok;
}

void HttpExchange::Handles::set_tls_options() {
  // A libcurl without TLS refuses these, and an https URL later with a message of its own.
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
  curl_easy_setopt(easy, CURLOPT_PROXY_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  const char* ca_file = config.ca_file.empty() ? system_ca_file() : config.ca_file.c_str();
  if (ca_file != nullptr) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
    curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, ca_file);
  }
  if (!config.client_certificate_file.empty()) {
    curl_easy_setopt(easy, CURLOPT_SSLCERT, config.client_certificate_file.c_str());
  }
  if (!config.client_key_file.empty()) {
    curl_easy_setopt(easy, CURLOPT_SSLKEY, config.client_key_file.c_str());
  }
  // For a key with a passphrase OpenSSL would otherwise ask on the host's terminal, and wait.
  curl_easy_setopt(easy, CURLOPT_KEYPASSWD, "");
}

Answer HttpExchange::Handles::finish(CURLcode code) {
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  answer.status = status >= 200 ? static_cast<int>(status) : 0;
  curl_off_t sent = 0;
  curl_easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &sent);
  answer.bytes_sent = static_cast<std::uint64_t>(sent);
  const char* redirect = nullptr;
  curl_easy_getinfo(easy, CURLINFO_REDIRECT_URL, &redirect);
  if (redirect != nullptr) answer.redirect = redirect;
  if (code != CURLE_OK) {
    answer.failure = error_text[0] != '\0' ? error_text : curl_easy_strerror(code);
    answer.not_http = answer.status == 0 &&
                      (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_WEIRD_SERVER_REPLY);
    long os_error = 0;
    curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_error);
    if (code == CURLE_COULDNT_CONNECT && os_error != 0) {
      answer.failure += ": " + errno_text(static_cast<int>(os_error));
    }
  }
  start_afresh = answer.status == 0;
  return std::move(answer);
}

HttpExchange::HttpExchange(const SenderConfig& config)
    : handles_(std::make_unique<Handles>(config)) {}

HttpExchange::~HttpExchange() = default;

bool HttpExchange::active() const { return handles_->active; }

void HttpExchange::start(const Body& body, std::chrono::milliseconds timeout) {
  Handles& h = *handles_;
  h.answer = {};
  h.answer_bytes = 0;
  h.error_text[0] = '\0';
  h.active = true;
  // Name servers and CA certificates are read once and kept. Either may be why there was no answer,
  // and may have been put right since: a laptop's resolv.conf, a certificate that was replaced.
  if (h.start_afresh) h.release();
  h.not_started = !h.prepare(h.answer.failure);
  if (h.not_started) return;
  curl_easy_setopt(h.easy, CURLOPT_HTTPHEADER, body.gzip ? h.gzip_headers : h.headers);
  curl_easy_setopt(h.easy, CURLOPT_POSTFIELDS, body.bytes.data());
  curl_easy_setopt(h.easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.bytes.size()));
  curl_easy_setopt(h.easy, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
  const CURLMcode code = curl_multi_add_handle(h.multi, h.easy);
  if (code == CURLM_OK) return;
  h.answer.failure = curl_multi_strerror(code);
  h.not_started = true;
}

std::optional<Answer> HttpExchange::advance() {
  Handles& h = *handles_;
  if (h.not_started) {
    h.active = false;
    return std::move(h.answer);
  }
  int running = 0;
  const CURLMcode multi_code = curl_multi_perform(h.multi, &running);
  if (multi_code != CURLM_OK) {
    cancel();
    h.answer.failure = curl_multi_strerror(multi_code);
    return std::move(h.answer);
  }
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(h.multi, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    curl_multi_remove_handle(h.multi, h.easy);
    h.active = false;
    return h.finish(code);
  }
  return std::nullopt;
}

std::chrono::steady_clock::time_point HttpExchange::deadline() const {
  if (handles_->not_started) return std::chrono::steady_clock::now();
  long milliseconds = -1;
  curl_multi_timeout(handles_->multi, &milliseconds);
  const auto pause = milliseconds < 0 ? kLongestPause : std::chrono::milliseconds(milliseconds);
  return std::chrono::steady_clock::now() + std::min(pause, kLongestPause);
}

void HttpExchange::wait(std::chrono::milliseconds limit) {
  if (handles_->not_started) return;
  const auto pause = std::clamp(limit, std::chrono::milliseconds(0), kLongestPause);
  curl_multi_poll(handles_->multi, nullptr, 0, static_cast<int>(pause.count()), nullptr);
}

void HttpExchange::cancel() {
  Handles& h = *handles_;
  if (!h.active) return;
  if (!h.not_started) curl_multi_remove_handle(h.multi, h.easy);
  h.active = false;
}

}  // namespace otprof::transport
