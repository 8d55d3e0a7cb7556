// SPDX-License-Identifier: Apache-2.0
// An HTTP service with traced requests: each names its trace in a traceparent header (W3C trace
// context), and the service tells the profiler, by otprof.h, which one a thread is working for.
//
//   service [PORT]     on the loopback; port 0 or none: a free one. Prints "listening on PORT".
//
//   GET /orders?n=N    cheap, in proportion to N
//   GET /report?n=N    expensive, and keeps what it made
//   GET /quit          ends the service
#include <netinet/in.h>
#include <otprof.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

struct TraceParent {
  std::array<std::uint8_t, 16> trace_id;
  std::uint8_t flags;
};

template <std::size_t N>
bool parse_hex(std::string_view text, std::array<std::uint8_t, N>& bytes) {
  for (std::size_t i = 0; i < N; ++i) {
    const std::string digits(text.substr(2 * i, 2));
    char* end = nullptr;
    bytes[i] = static_cast<std::uint8_t>(std::strtoul(digits.c_str(), &end, 16));
    if (digits.size() != 2 || *end != '\0') return false;
  }
  return true;
}

// "traceparent: 00-<32 digits>-<16 digits>-<2 digits>"; none if there is none, or it is malformed.
std::optional<TraceParent> trace_parent(std::string request) {
  for (char& c : request) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  constexpr std::string_view kHeader = "\r\ntraceparent: 00-";
  const std::size_t at = request.find(kHeader);
  if (at == std::string::npos) return std::nullopt;
  const std::string_view value = std::string_view(request).substr(at + kHeader.size(), 52);
  TraceParent parent{};
  std::array<std::uint8_t, 1> flags{};
  if (value.size() < 52 || !parse_hex(value.substr(0, 32), parent.trace_id) ||
      !parse_hex(value.substr(50, 2), flags)) {
    return std::nullopt;
  }
  parent.flags = flags[0];
  return parent;
}

// A span of our own, as a tracing library would make it.
std::array<std::uint8_t, 8> new_span_id() {
  static thread_local std::mt19937_64 random(std::random_device{}());
  std::array<std::uint8_t, 8> id{};
  std::uint64_t number = random() | 1U;
  for (std::uint8_t& byte : id) {
    byte = static_cast<std::uint8_t>(number);
    number >>= 8U;
  }
  return id;
}

}  // namespace

[[gnu::noinline]] std::uint64_t look_up_orders(unsigned long n) {
  std::uint64_t sum = 0;
  for (unsigned long i = 0; i < n * 20'000; ++i) sum = sum * 31 + (i ^ (sum >> 7U));
  return sum;
}

[[gnu::noinline]] std::uint64_t make_report(unsigned long n) {
  static std::mutex mutex;
  // Never destroyed, so that they are still in use when the last profile is made.
  static auto& reports = *new std::vector<std::vector<std::uint64_t>>;
  std::vector<std::uint64_t> report(n * 4096);
  for (unsigned long i = 0; i < n * 200'000; ++i) {
    report[i % report.size()] = report[(i * 7) % report.size()] * 31 + i;
  }
  const std::uint64_t last = report.back();
  const std::lock_guard lock(mutex);
  reports.push_back(std::move(report));
  return last;
}

namespace {

std::string answer(std::string_view path) {
  const std::size_t query = path.find("?n=");
  const std::string number(query == std::string_view::npos ? "1" : path.substr(query + 3));
  const unsigned long n = std::min(std::strtoul(number.c_str(), nullptr, 10), 10'000UL);
  if (path.starts_with("/orders")) return std::to_string(look_up_orders(n + 1));
  if (path.starts_with("/report")) return std::to_string(make_report(n + 1));
  return {};
}

void serve(int connection) {
  std::string request;
  char buffer[4096];
  ssize_t got = 0;
  while (request.find("\r\n\r\n") == std::string::npos && request.size() < 65536 &&
         (got = read(connection, buffer, sizeof buffer)) > 0) {
    request.append(buffer, static_cast<std::size_t>(got));
  }
  const std::string path =
      request.starts_with("GET ") ? request.substr(4, request.find(' ', 4) - 4) : "";
  if (path == "/quit") std::exit(0);

  // All there is to it: from here to the end of the block, this thread works for that span. Asking
  // for a key once is enough.
  static const int route = otprof_key("http.route");
  const std::optional<TraceParent> parent = trace_parent(request);
  const std::array<std::uint8_t, 8> span_id = new_span_id();
  otprof::SpanScope span(parent ? parent->trace_id.data() : nullptr,
                         parent ? span_id.data() : nullptr,
                         parent ? parent->flags : std::uint8_t{0});
  span.set(route, path.substr(0, path.find('?')).c_str());

  const std::string body = answer(path);
  const std::string response =
      std::string("HTTP/1.1 ") + (body.empty() ? "404 Not Found" : "200 OK") +
      "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  for (std::size_t sent = 0; sent < response.size();) {
    const ssize_t more =
        send(connection, response.data() + sent, response.size() - sent, MSG_NOSIGNAL);
    if (more <= 0) break;
    sent += static_cast<std::size_t>(more);
  }
  close(connection);
}

}  // namespace

int main(int argc, char** argv) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const int yes = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0));
  socklen_t size = sizeof address;
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener, 64) != 0 ||
      getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    std::perror("service");
    return 1;
  }
  std::printf("listening on %d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  for (;;) {
    const int connection = accept(listener, nullptr, nullptr);
    if (connection >= 0) std::thread(serve, connection).detach();
  }
}
