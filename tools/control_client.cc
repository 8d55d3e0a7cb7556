// SPDX-License-Identifier: Apache-2.0
#include "tools/control_client.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fstream>

#include "tools/input_error.h"
#include "transport/control_address.h"
#include "transport/descriptor.h"

namespace otprof::tools {
namespace {

using transport::Descriptor;

Descriptor connect_to(const std::string& address) {
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (!socket.is_open() || address.size() + 1 > sizeof name.sun_path) return {};
  std::memcpy(name.sun_path + 1, address.data(), address.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + address.size());
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), size) != 0) return {};
  return socket;
}

pid_t peer_of(const Descriptor& socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : 0;
}

}  // namespace

std::vector<Controllable> controllable_processes() {
  std::vector<Controllable> found;
  std::ifstream sockets("/proc/net/unix");
  for (std::string line; std::getline(sockets, line);) {
    const std::size_t at = line.find(" @" + std::string(transport::kControlPrefix));
    if (at == std::string::npos) continue;
    std::string address = line.substr(at + 2);
    // A connection that has been accepted is listed under the same name as its listener.
    bool is_known = false;
    for (const Controllable& one : found) is_known = is_known || one.address == address;
    if (is_known) continue;
    if (const Descriptor socket = connect_to(address); socket.is_open()) {
      found.push_back({std::move(address), peer_of(socket)});
    }
  }
  return found;
}

std::string ask(const Controllable& process, std::string_view line, int seconds) {
  const Descriptor socket = connect_to(process.address);
  const std::string who = "process " + std::to_string(process.pid);
  if (!socket.is_open()) throw InputError(who + " cannot be reached any more");
  const timeval limit{.tv_sec = seconds, .tv_usec = 0};
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  const std::string text = std::string(line) + "\n";
  if (send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(text.size())) {
    throw InputError(who + " does not listen: " + std::strerror(errno));
  }
  std::string answer;
  char buffer[4096];
  ssize_t got = 0;
  while ((got = recv(socket.get(), buffer, sizeof buffer, 0)) > 0) {
    answer.append(buffer, static_cast<std::size_t>(got));
  }
  if (answer.empty()) {
    throw InputError(who + (got == 0 ? " has ended" : " gives no answer; it may be stopped"));
  }
  return answer;
}

}  // namespace otprof::tools
