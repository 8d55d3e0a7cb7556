// SPDX-License-Identifier: Apache-2.0
//
// OTPROF_CONTROL: a socket (transport/control_address.h) by which the same user, or root, asks the
// background thread for what the functions of otprof.h ask for from within. Looked at in each visit of
// the background thread, never waited for.
//
// Promises: whoever connects can neither delay the thread nor make it take memory: four connections at a
// time, five seconds for a request, an answer that is not taken at once is dropped.
// Background thread only.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "agent/control.h"
#include "transport/descriptor.h"

namespace otprof::agent {

class ControlSocket {
 public:
  // False when there is no socket to be had, which has been logged.
  bool open();

  // Calls answer(request) for each request that is complete, as ControlQueue::serve() does, and
  // tell_status() for each that asks how things are. True when somebody waits for an answer.
  template <typename Answer, typename TellStatus>
  bool serve(Answer&& answer, TellStatus&& tell_status);

 private:
  struct Connection {
    transport::Descriptor socket;
    std::chrono::steady_clock::time_point until;
    std::string line;  // as far as it has come
    bool is_parsed = false;
    bool asks_for_status = false;
    ControlRequest request;
  };

  void accept_connections();
  // True when the request is complete and understood.
  bool read(Connection& connection);
  static void reply(Connection& connection, std::string_view text);
  static void reply(Connection& connection, int result);

  transport::Descriptor listener_;
  std::array<std::optional<Connection>, 4> connections_;
};

template <typename Answer, typename TellStatus>
bool ControlSocket::serve(Answer&& answer, TellStatus&& tell_status) {
  bool is_waiting = false;
  accept_connections();
  for (std::optional<Connection>& connection : connections_) {
    if (!connection) {
      continue;
    }
    if (std::chrono::steady_clock::now() >= connection->until) {
      reply(*connection, "error: it took too long\n");
    } else if (!read(*connection)) {
      is_waiting = is_waiting || connection->socket.is_open();
    } else if (connection->asks_for_status) {
      reply(*connection, tell_status());
    } else if (const std::optional<int> result = answer(connection->request)) {
      reply(*connection, *result);
    } else {
      is_waiting = true;
    }
    if (!connection->socket.is_open()) {
      connection.reset();
    }
  }
  return is_waiting;
}

}  // namespace otprof::agent
