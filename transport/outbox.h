// SPDX-License-Identifier: Apache-2.0
//
// All that is between a finished window and the receiver: with a spool every window goes to the disk
// first and is sent from there, oldest first; without one, or while the disk takes nothing, windows
// wait in the sender's queue.
//
// Promises: each body handed over ends as delivered, dropped (by reason), left on disk, or still
// queued, and the counters of sender and spool add up to that.
// Background thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "transport/body.h"
#include "transport/otlp_sender.h"
#include "transport/spool.h"

namespace otprof::transport {

class Outbox {
 public:
  // `spool`: null for none.
  Outbox(SenderConfig config, std::unique_ptr<Spool> spool);
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  bool has_spool() const { return spool_ != nullptr; }
  // A piece of the window that began at `start_ns` (Unix time), should the process not live to
  // deliver the whole. Only with a spool.
  void journal(std::uint64_t start_ns, const Body& piece);
  // The whole window; none: there was nothing in it.
  void deliver(std::uint64_t start_ns, std::vector<Body> bodies);

  // As OtlpSender's.
  std::chrono::steady_clock::time_point step();
  bool in_flight() const { return sender_.in_flight(); }
  void wait(std::chrono::milliseconds limit) { sender_.wait(limit); }
  // What is on disk is sent, too, but only as long as the receiver takes it: the rest keeps.
  void finish(std::chrono::steady_clock::time_point deadline);

  struct State {
    std::uint64_t made = 0;  // bodies handed over
    SenderCounters sender;
    SpoolCounters spool;
    std::size_t queued = 0;  // in memory only
    std::size_t queued_bytes = 0;
    std::uint64_t on_disk = 0;     // bodies of this process
    std::uint64_t disk_bytes = 0;  // of all processes
  };
  State state() const;

 private:
  static void on_settled(void* self, Fate fate);
  bool feed();

  std::unique_ptr<Spool> spool_;
  std::uint64_t made_ = 0;
  bool is_fed_ = false;  // the sender has a body of the spool's
  OtlpSender sender_;
};

}  // namespace otprof::transport
