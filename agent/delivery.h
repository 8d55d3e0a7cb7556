// SPDX-License-Identifier: Apache-2.0
//
// Where finished windows go: encodes each profile once per destination (pprof file, OTLP request)
// and hands it on. Failures are warned of and counted; nothing here waits, but for the disk.
// Background thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "agent/options.h"
#include "agent/resource.h"
#include "encoder/dictionary.h"
#include "encoder/otlp.h"
#include "encoder/profile.h"
#include "transport/body.h"
#include "transport/outbox.h"

namespace otprof::agent {

class Delivery {
 public:
  // `sender`: none when nothing is to be delivered by OTLP.
  Delivery(const Options& options, const Identity& identity,
           std::optional<transport::SenderConfig> sender);

  // `kinds[i]` ("cpu" or "heap") is part of the name of profile i's pprof file. At least one profile.
  void deliver(const encoder::Dictionary& dictionary, std::span<const encoder::Profile> profiles,
               std::span<const std::string_view> kinds);

  // True when pieces of a window that is not finished are wanted, in case the process does not live to
  // finish it.
  bool wants_pieces() const { return outbox_ != nullptr && outbox_->has_spool(); }
  // What has been added to the window since the last piece. At least one profile.
  void keep_piece(const encoder::Dictionary& dictionary,
                  std::span<const encoder::Profile> profiles);
  // The window had nothing in it.
  void skip_window();

  // One profile as gzip'ed pprof to the file `path`, absolute. False has been logged.
  bool write_snapshot(const encoder::Dictionary& dictionary, const encoder::Profile& profile,
                      std::string_view path);
  // OTLP requests that are not delivered yet.
  std::size_t waiting() const;
  bool is_idle() const { return waiting() == 0 && !in_flight(); }

  // See Outbox: step() moves transfers on and says when it wants to be called again.
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
    std::uint64_t payloads_left_out = 0;
  };
  const Counters& counters() const { return counters_; }
  // Null when OTLP is not among the exporters.
  const transport::Outbox* outbox() const { return outbox_.get(); }
  // One line on what became of all windows.
  void tell_summary() const;

 private:
  void write_pprof(const encoder::Dictionary& dictionary, const encoder::Profile& profile,
                   std::string_view kind);
  void send_otlp(const encoder::Dictionary& dictionary, std::span<const encoder::Profile> profiles);
  std::vector<transport::Body> encode(const encoder::Dictionary& dictionary,
                                      std::span<const encoder::Profile> profiles);
  std::vector<std::string> original_payloads(const encoder::Dictionary& dictionary,
                                             std::span<const encoder::Profile> profiles,
                                             encoder::RequestLimits& limits);
  bool encode_request(const encoder::Dictionary& dictionary, const encoder::Request& request,
                      std::span<const encoder::OriginalPayload> payloads, transport::Body& body);
  void count_encode_failure();

  const Options& options_;
  const Identity& identity_;
  encoder::Scope scope_;
  std::unique_ptr<transport::Outbox> outbox_;
  Counters counters_;
};

}  // namespace otprof::agent
