// SPDX-License-Identifier: Apache-2.0
#include "agent/control_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstring>

#include "agent/control_line.h"
#include "agent/log.h"
#include "transport/control_address.h"
#include "transport/errno_text.h"

namespace otprof::agent {
namespace {

constexpr std::chrono::seconds kRequestTakes{5};
// A flush waits for the receiver.
constexpr std::chrono::seconds kAnswerTakes{60};

socklen_t random_address(sockaddr_un& address) {
  std::uint64_t random = 0;
  if (getrandom(&random, sizeof random, GRND_NONBLOCK) != sizeof random) {
    random =
        static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  }
  address = {};
  address.sun_family = AF_UNIX;
  char* at = address.sun_path + 1;  // a zero before it: the abstract namespace
  std::memcpy(at, transport::kControlPrefix.data(), transport::kControlPrefix.size());
  at += transport::kControlPrefix.size();
  at = std::to_chars(at, address.sun_path + sizeof address.sun_path, random, 16).ptr;
  return static_cast<socklen_t>(at - reinterpret_cast<char*>(&address));
}

bool is_same_user(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         (peer.uid == geteuid() || peer.uid == 0);
}

}  // namespace

bool ControlSocket::open() {
  listener_ = transport::Descriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address;
  const socklen_t size = random_address(address);
  if (!listener_.is_open() ||
      bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      listen(listener_.get(), static_cast<int>(connections_.size())) != 0) {
    log_warning("OTPROF_CONTROL: there is no socket to be had (" + transport::errno_text(errno) +
                "); `otprof ctl` will not work");
    listener_.reset();
    return false;
  }
  return true;
}

void ControlSocket::accept_connections() {
  for (std::optional<Connection>& connection : connections_) {
    if (connection || !listener_.is_open()) {
      continue;
    }
    transport::Descriptor socket(
        accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket.is_open()) {
      return;
    }
    connection = Connection{.socket = std::move(socket),
                            .until = std::chrono::steady_clock::now() + kRequestTakes,
                            .line = {},
                            .is_parsed = false,
                            .asks_for_status = false,
                            .request = {}};
    if (!is_same_user(connection->socket.get())) {
      reply(*connection, "error: this process belongs to another user\n");
      connection.reset();
    }
  }
}

bool ControlSocket::read(Connection& connection) {
  if (connection.is_parsed) {
    return true;
  }
  char buffer[1024];
  ssize_t got = 0;
  while (connection.line.size() < transport::kMostControlBytes &&
         (got = recv(connection.socket.get(), buffer, sizeof buffer, 0)) > 0) {
    connection.line.append(buffer, static_cast<std::size_t>(got));
  }
  const std::size_t end = connection.line.find('\n');
  if (end == std::string::npos) {
    if (got == 0 || connection.line.size() >= transport::kMostControlBytes) {
      reply(connection, "error: a line was expected\n");
    }
    return false;
  }
  const std::string_view line = std::string_view(connection.line).substr(0, end);
  std::string error;
  connection.asks_for_status = line == "status";
  if (!connection.asks_for_status) {
    const std::optional<ControlRequest> request = parse_control_line(line, error);
    if (!request) {
      reply(connection, "error: " + error + "\n");
      return false;
    }
    connection.request = *request;
  }
  connection.is_parsed = true;
  connection.until = std::chrono::steady_clock::now() + kAnswerTakes;
  return true;
}

void ControlSocket::reply(Connection& connection, std::string_view text) {
  send(connection.socket.get(), text.data(), text.size(), MSG_NOSIGNAL);
  connection.socket.reset();
}

void ControlSocket::reply(Connection& connection, int result) {
  reply(connection, result == OTPROF_OK
                        ? "ok\n"
                        : "error: it could not be done; the profiler's log says why\n");
}

}  // namespace otprof::agent
