// SPDX-License-Identifier: Apache-2.0
#include "tools/receiver.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

#include <httplib.h>

#include "tools/flame_html.h"
#include "tools/input_error.h"

namespace otprof::tools {
namespace {

constexpr const char* kProtobuf = "application/x-protobuf";

// Codes of google.rpc.Status.
constexpr char kInvalidArgument = 3;
constexpr char kResourceExhausted = 8;
constexpr char kUnavailable = 14;

// A google.rpc.Status message: code = 1, message = 2. Its text must be shorter than 128 bytes to
// keep its length in one.
std::string status_message(char code, std::string_view text) {
  text = text.substr(0, 127);
  std::string message = {'\x08', code, '\x12', static_cast<char>(text.size())};
  return message.append(text);
}

void refuse(ProfileStore& store, httplib::Response& response, int status, char code,
            const std::string& text) {
  store.count_refused();
  response.status = status;
  response.set_content(status_message(code, text), kProtobuf);
}

// The part of a Host header before the port.
std::string host_name(const std::string& host) {
  if (host.starts_with("[")) return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

}  // namespace

bool is_loopback(const std::string& host) {
  if (host == "localhost" || host == "::1") return true;
  in_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1 &&
         (ntohl(address.s_addr) >> 24U) == IN_LOOPBACKNET;
}

ListenAddress parse_listen_address(const std::string& text) {
  ListenAddress address;
  std::string port;
  const std::size_t bracket = text.starts_with("[") ? text.find(']') : std::string::npos;
  const std::size_t colon = text.find(':', bracket == std::string::npos ? 0 : bracket);
  std::string host = text.substr(0, colon);
  if (bracket != std::string::npos) host = text.substr(1, bracket - 1);
  if (!host.empty()) address.host = host;
  if (colon != std::string::npos) {
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, address.port);
    if (error != std::errc() || stop != end || address.port < 0 || address.port > 65535) {
      throw InputError("'" + text + "' is not HOST:PORT");
    }
  }
  return address;
}

struct Receiver::State {
  State(const ListenAddress& listen_address, ProfileStore& profile_store)
      : address(listen_address), store(profile_store) {}

  void export_profiles(const httplib::Request& request, httplib::Response& response,
                       const httplib::ContentReader& read);
  void routes();

  ListenAddress address;
  ProfileStore& store;
  httplib::Server server;
  std::thread thread;
};

void Receiver::State::export_profiles(const httplib::Request& request, httplib::Response& response,
                                      const httplib::ContentReader& read) {
  if (request.get_header_value("Content-Type") != kProtobuf) {
    return refuse(store, response, 415, kInvalidArgument,
                  "Content-Type must be application/x-protobuf");
  }
  const std::string encoding = request.get_header_value("Content-Encoding");
  if (!encoding.empty() && encoding != "gzip" && encoding != "identity") {
    return refuse(store, response, 415, kInvalidArgument,
                  "Content-Encoding must be gzip or identity");
  }
  constexpr const char* kVersionHeader = "OTLP-Profiles-Development-Version";
  if (request.has_header(kVersionHeader) && (request.get_header_value_count(kVersionHeader) != 1 ||
                                             request.get_header_value(kVersionHeader) != "1")) {
    return refuse(store, response, 400, kInvalidArgument, "unsupported development version");
  }
  std::string body;
  bool too_large = false;
  const bool complete = read([&](const char* bytes, std::size_t size) {
    too_large = size > kMaxRequestBytes - body.size();
    if (!too_large) body.append(bytes, size);
    return !too_large;
  });
  if (too_large || response.status == 413) {
    return refuse(store, response, 413, kResourceExhausted, "the request is larger than 64 MiB");
  }
  if (!complete) {
    return refuse(store, response, 400, kInvalidArgument, "the body is incomplete or damaged");
  }
  try {
    store.accept(body);
  } catch (const InputError& error) {
    return refuse(store, response, 400, kInvalidArgument, error.what());
  } catch (const std::exception& error) {
    // No room on the disk or in memory: the sender may try again.
    return refuse(store, response, 503, kUnavailable, error.what());
  }
  // An ExportProfilesServiceResponse without partial_success has no bytes.
  response.status = 200;
  response.set_content("", kProtobuf);
}

void Receiver::State::routes() {
  server.set_pre_routing_handler(
      [this](const httplib::Request& request, httplib::Response& response) {
        const std::string host = host_name(request.get_header_value("Host"));
        if (!is_loopback(address.host) || is_loopback(host)) {
          return httplib::Server::HandlerResponse::Unhandled;
        }
        response.status = 403;
        response.set_content("This receiver answers requests to localhost only.\n", "text/plain");
        return httplib::Server::HandlerResponse::Handled;
      });
  server.Post(
      "/v1development/profiles",
      [this](const httplib::Request& request, httplib::Response& response,
             const httplib::ContentReader& read) { export_profiles(request, response, read); });
  server.Get("/", [](const httplib::Request&, httplib::Response& response) {
    response.set_content(live_html(), "text/html; charset=utf-8");
  });
  server.Get("/profile.json", [this](const httplib::Request& request, httplib::Response& response) {
    const std::string version = std::to_string(store.counters().version);
    response.set_header("X-Otprof-Version", version);
    response.set_header("Cache-Control", "no-store");
    if (request.get_param_value("after") == version) {
      response.status = 204;
      return;
    }
    response.set_content(store.json(), "application/json");
  });
}

Receiver::Receiver(const ListenAddress& address, ProfileStore& store) {
  // The library ignores SIGPIPE for the whole process, which a child would inherit.
  struct sigaction pipe_action {};
  sigaction(SIGPIPE, nullptr, &pipe_action);
  state_ = std::make_unique<State>(address, store);
  sigaction(SIGPIPE, &pipe_action, nullptr);

  httplib::Server& server = state_->server;
  // Its default also lets a second receiver take half of the connections unnoticed.
  server.set_socket_options([](socket_t socket) {
    const int on = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  });
  // Each connection holds one of a few threads while it is open: senders are many and post seldom.
  server.set_keep_alive_max_count(1);
  server.set_payload_max_length(kMaxRequestBytes);
  state_->routes();
  errno = 0;
  const int bound = address.port == 0 ? server.bind_to_any_port(address.host)
                    : server.bind_to_port(address.host, address.port) ? address.port
                                                                      : -1;
  if (bound < 0) {
    throw InputError("cannot listen on " + url() + ": " +
                     (errno != 0 ? std::strerror(errno) : "no such address"));
  }
  state_->address.port = bound;
}

Receiver::~Receiver() { stop(); }

void Receiver::start() {
  state_->thread = std::thread([this] {
    // A client that hangs up early must not end the process; only the server's threads write to it.
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    state_->server.listen_after_bind();
  });
  // stop() is lost on a server that does not run yet.
  while (!state_->server.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

void Receiver::stop() {
  if (!state_->thread.joinable()) return;
  state_->server.stop();
  state_->thread.join();
}

int Receiver::port() const { return state_->address.port; }

std::string Receiver::url() const {
  const std::string& host = state_->address.host;
  const bool is_v6 = host.find(':') != std::string::npos;
  return "http://" + (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port());
}

}  // namespace otprof::tools
