// SPDX-License-Identifier: Apache-2.0
//
// One HTTP/1.1 POST at a time over one kept connection, driven without blocking (libcurl's multi
// interface). libcurl and OpenSSL are initialised at the first start().
//
// Promises: nothing here installs a signal handler, an atexit handler or a thread, follows a
// redirect, reads .netrc, keeps cookies, asks on a terminal for a password, or lets an answer grow
// beyond kMaxAnswerBytes. Certificates are verified, TLS is 1.2 or newer. Descriptors are CLOEXEC.
// Background thread only.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "transport/answer.h"
#include "transport/otlp_sender.h"

namespace otprof::transport {

class HttpExchange {
 public:
  explicit HttpExchange(const SenderConfig& config);
  ~HttpExchange();
  HttpExchange(const HttpExchange&) = delete;
  HttpExchange& operator=(const HttpExchange&) = delete;

  // Begins to send `body`, which stays where it is until advance() gives the answer or cancel().
  // `timeout` is for the whole exchange, 0: none. Only while not active().
  void start(const Body& body, std::chrono::milliseconds timeout);
  bool active() const;

  // Moves the exchange on as far as it goes without waiting. The answer, once there is one.
  std::optional<Answer> advance();

  // When advance() wants to be called even if no socket has anything to say. Only while active().
  std::chrono::steady_clock::time_point deadline() const;
  // Sleeps until socket activity or `limit`, a minute at most. Only while active().
  void wait(std::chrono::milliseconds limit);

  void cancel();

 private:
  struct Handles;
  std::unique_ptr<Handles> handles_;
};

}  // namespace otprof::transport
