// SPDX-License-Identifier: Apache-2.0
//
// Where finished windows go: encodes each profile once per destination (pprof file, OTLP request)
// and hands it on. Failures are warned of and counted; nothing here waits.
// Background thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "agent/options.h"
#include "agent/resource.h"
#include "encoder/dictionary.h"
#include "encoder/otlp.h"
#include "encoder/profile.h"
#include "transport/otlp_sender.h"

namespace otprof::agent {

class Delivery {
 public:
  Delivery(const Options& options, const Identity& identity);

  // `kinds[i]` ("cpu" or "heap") is part of the name of profile i's pprof file. At least one profile.
  void deliver(const encoder::Dictionary& dictionary, std::span<const encoder::Profile> profiles,
               std::span<const std::string_view> kinds);

  // See OtlpSender: step() moves transfers on and says when it wants to be called again.
  std::chrono::steady_clock::time_point step();
  bool in_flight() const;
  void wait(std::chrono::milliseconds limit);
  void finish(std::chrono::steady_clock::time_point deadline);

  struct Counters {
    std::uint64_t windows = 0;
    std::uint64_t files_written = 0;
    std::uint64_t files_failed = 0;
    std::uint64_t encode_failed = 0;
    std::uint64_t oversized_samples = 0;
  };
  const Counters& counters() const { return counters_; }
  // Null when OTLP is not among the exporters.
  const transport::SenderCounters* sender_counters() const;

 private:
  void write_pprof(const encoder::Dictionary& dictionary, const encoder::Profile& profile,
                   std::string_view kind);
  void send_otlp(const encoder::Dictionary& dictionary, std::span<const encoder::Profile> profiles);
  void send_request(const encoder::Dictionary& dictionary, const encoder::Request& request);
  void count_encode_failure();

  const Options& options_;
  const Identity& identity_;
  encoder::Scope scope_;
  std::unique_ptr<transport::OtlpSender> sender_;
  Counters counters_;
};

}  // namespace otprof::agent
