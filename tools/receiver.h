// SPDX-License-Identifier: Apache-2.0
//
// An OTLP/HTTP receiver of profiles, with the page on it: POST /v1development/profiles, GET / and
// GET /profile.json. Answers as the OTLP specification asks: 200 and an empty response message, or
// 400, 413, 415 and 503 with a google.rpc.Status.
//
// Promises: a request of any size costs at most kMaxRequestBytes of memory and cannot harm the
// process; on a loopback address only requests addressed to loopback are answered, so that a web
// page elsewhere cannot read profiles by giving its own name our address. Main thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "tools/profile_store.h"

namespace otprof::tools {

inline constexpr std::size_t kMaxRequestBytes = std::size_t{64} << 20U;  // decompressed

struct ListenAddress {
  std::string host = "127.0.0.1";
  int port = 4318;  // 0: any
};

// "HOST:PORT", "HOST", ":PORT", "[::1]:4318". InputError if it is none of these.
ListenAddress parse_listen_address(const std::string& text);
bool is_loopback(const std::string& host);

class Receiver {
 public:
  // Listens at once, so that clients may connect; answers after start(). InputError says why not.
  // Leaves the process's signal dispositions as they were.
  Receiver(const ListenAddress& address, ProfileStore& store);
  ~Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  void start();
  // Returns when every request that had begun is answered.
  void stop();
  int port() const;
  std::string url() const;  // "http://127.0.0.1:4318"

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace otprof::tools
