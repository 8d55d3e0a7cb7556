// SPDX-License-Identifier: Apache-2.0
//
// Delivers finished OTLP request bodies by HTTP POST and never makes its caller wait: a bounded
// queue, one transfer at a time, driven by step() from the background thread's loop. No thread of
// its own, no signal, no alarm; name resolution is asynchronous (c-ares).
//
// Promises (standards.md section 2, items 28-34): only 429, 502, 503, 504 and connection failures
// are retried, with exponential backoff and jitter, Retry-After (seconds or HTTP-date) honoured; a
// retry sends identical bytes; 200 with partial_success is never retried; a response is read up to
// 4 MiB after decompression and no response can do harm; redirects are not followed; bodies above
// `max_body_bytes` are dropped, not sent. Every body handed over ends as delivered, dropped (by
// reason), given up (those on disk) or still queued: the counters add up. No connection is made, and libcurl is not
// initialised, before the first body.
//
// What decides is the status line: once 2xx has arrived the body counts as delivered even if the
// rest of the answer is cut off (sending it again would store it twice), and what has no HTTP
// status at all (refused, reset, timeout, TLS failure, unknown host, not HTTP) is retried.
//
// Background thread only, one thread for the object's whole life. That thread blocks every signal:
// a TLS connection closed by the peer raises SIGPIPE for the writing thread, where it stays pending.
// After fork() the child neither uses nor destroys its copy (the descriptors are not the child's);
// no thread may be inside step() or finish() while the process forks if the child is to have a
// sender of its own, since OpenSSL's locks would stay taken there.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "transport/body.h"

namespace otprof::transport {

// What became of a body that is on disk, too.
enum class Fate {
  kDelivered,
  kRefused,  // by the receiver, or it is too large: sending it again is no use
  kGivenUp,  // not delivered now; not lost either
};

struct SenderConfig {
  std::string url;                                           // complete: http(s)://host[:port]/path
  std::vector<std::pair<std::string, std::string>> headers;  // from OTEL_EXPORTER_OTLP_HEADERS
  // Proxy URL for `url`, empty for none, and the hosts that do without, in the form of the no_proxy
  // variable ("*": all). Loopback addresses never go through the proxy. The environment itself is
  // not read, because the host may be changing it at that moment.
  std::string proxy;
  std::string no_proxy;
  std::chrono::milliseconds timeout{10000};  // one attempt; 0: no limit
  std::string ca_file;                       // PEM; empty: the system's
  std::string client_key_file;               // PEM
  std::string client_certificate_file;       // PEM
  std::string user_agent;                    // "libotprof/1.2 OTel-OTLP-Exporter-Cpp/1.2"
  // Limits of what waits; the body under way is not counted, nor is a single larger one dropped.
  std::size_t queue_windows = 100;
  std::size_t queue_bytes = std::size_t{8} << 20;
  std::size_t max_body_bytes = std::size_t{64} << 20;  // before compression
  // Before jitter (times 0.5 to 1.5); each further failure in a row waits 1.5 times longer.
  std::chrono::milliseconds first_backoff{1000};
  std::chrono::milliseconds max_backoff{30000};
  // Where one-line warnings go; called from step() and enqueue().
  void (*warn)(void* context, std::string_view message) = nullptr;
  void* warn_context = nullptr;
  // Told of each body that is_on_disk, once; called from step(), enqueue() and finish().
  void (*settled)(void* context, Fate fate) = nullptr;
  void* settled_context = nullptr;
};

struct SenderCounters {
  std::uint64_t enqueued = 0;
  std::uint64_t delivered = 0;          // 2xx
  std::uint64_t rejected_profiles = 0;  // sum of partial_success.rejected_profiles
  std::uint64_t attempts = 0;
  std::uint64_t retries = 0;
  std::uint64_t dropped_queue_full = 0;  // the oldest goes first
  std::uint64_t dropped_too_large = 0;
  std::uint64_t dropped_refused = 0;  // an answer that must not be retried
  std::uint64_t dropped_at_exit = 0;
  std::uint64_t given_up = 0;    // not dropped, because they are on disk
  std::uint64_t bytes_sent = 0;  // of bodies, those of failed attempts too
};

class OtlpSender {
 public:
  explicit OtlpSender(SenderConfig config);
  ~OtlpSender();
  OtlpSender(const OtlpSender&) = delete;
  OtlpSender& operator=(const OtlpSender&) = delete;

  void enqueue(Body body);

  // Moves transfers on without blocking. The returned time is when it next wants to be called even
  // if nothing arrives (a backoff or timeout); max() when idle.
  std::chrono::steady_clock::time_point step();

  // True while a transfer is in flight, so that wait() must be used for sleeping.
  bool in_flight() const;
  // Sleeps until socket activity or `limit`, a minute at most. Only while in_flight().
  void wait(std::chrono::milliseconds limit);

  // Delivers what is queued until it is empty, `deadline`, or two attempts in a row that nobody
  // answers; backoffs are cut short (one attempt per body from now on). The rest counts as dropped_at_exit. Afterwards all is as at the start: a
  // process that was about to end may have gone on.
  void finish(std::chrono::steady_clock::time_point deadline);

  // Gives up what is on disk, if it is waiting for its next attempt.
  void give_up_waiting();
  // True from the first attempt that must be repeated to the next that need not.
  bool is_failing() const;

  std::size_t queued() const;
  std::size_t queued_bytes() const;
  const SenderCounters& counters() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace otprof::transport
