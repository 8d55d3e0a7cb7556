// SPDX-License-Identifier: Apache-2.0
//
// Decides which of the things that happen to deliveries are worth a line: the beginning of an
// outage, its end, and now and then what a server says about windows it took or refused. A dead or
// angry server must not fill the host's stderr.
// Pure, no clock of its own. One thread at a time.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace otprof::transport {

class DeliveryLog {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // A line of the same kind is not repeated sooner.
  static constexpr std::chrono::minutes kQuietTime{5};

  // `url` as it may be shown.
  explicit DeliveryLog(std::string url) : url_(std::move(url)) {}

  // Each returns the line to write, empty if there is nothing (new) to say.

  // An attempt failed and will be repeated; `queued` windows wait, the one that failed included.
  std::string failed(Time now, std::string_view reason, std::size_t queued);
  // A window was refused and thrown away.
  std::string refused(Time now, std::string_view reason);
  // A window was delivered.
  std::string delivered(Time now);
  // 2xx, but `rejected` profiles were not taken, or the server had something to remark.
  std::string partial(Time now, std::int64_t rejected, std::string_view message);
  // 2xx, but not from an OTLP receiver, by its answer.
  std::string strange_answer(Time now, int status, std::string_view text);
  // A window above the size limit was thrown away unsent.
  std::string too_large(Time now, std::size_t bytes, std::size_t limit);

  // What was not delivered when the process had to go. Said whatever was said before.
  std::string lost_at_exit(std::uint64_t count, std::string_view reason) const;

  // Windows lost to a full queue since the outage began are told at its end.
  void dropped(std::uint64_t windows) { dropped_ += windows; }

 private:
  struct Topic {
    Time last{};
    bool ever = false;
    bool pass(Time now);
  };

  void begin_outage(Time now);

  std::string url_;
  bool outage_ = false;
  bool outage_told_ = false;
  Time outage_start_{};
  std::uint64_t dropped_ = 0;
  Topic failed_topic_, refused_topic_, partial_topic_, strange_topic_, too_large_topic_;
};

}  // namespace otprof::transport
