// SPDX-License-Identifier: Apache-2.0
#include "transport/delivery_log.h"

namespace otprof::transport {

namespace {

std::string windows(std::uint64_t count) {
  return std::to_string(count) + (count == 1 ? " window" : " windows");
}

std::string quoted(std::string_view text) {
  return text.empty() ? std::string() : ": " + std::string(text);
}

}  // namespace

bool DeliveryLog::Topic::pass(Time now) {
  if (ever && now - last < kQuietTime) return false;
  ever = true;
  last = now;
  return true;
}

void DeliveryLog::begin_outage(Time now) {
  if (outage_) return;
  outage_ = true;
  outage_told_ = false;
  outage_start_ = now;
  dropped_ = 0;
}

std::string DeliveryLog::failed(Time now, std::string_view reason, std::size_t queued) {
  begin_outage(now);
  if (outage_told_ || !failed_topic_.pass(now)) return {};
  outage_told_ = true;
  return "cannot deliver to " + url_ + quoted(reason) + "; retrying, " + windows(queued) +
         " queued";
}

std::string DeliveryLog::refused(Time now, std::string_view reason) {
  begin_outage(now);
  ++dropped_;
  if (!refused_topic_.pass(now)) return {};
  outage_told_ = true;
  return url_ + " refused a window, which is dropped and not sent again" + quoted(reason);
}

std::string DeliveryLog::delivered(Time now) {
  if (!outage_) return {};
  outage_ = false;
  if (!outage_told_) return {};
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - outage_start_);
  return "delivered to " + url_ + " again after " + std::to_string(seconds.count()) + " s, " +
         windows(dropped_) + " dropped";
}

std::string DeliveryLog::partial(Time now, std::int64_t rejected, std::string_view message) {
  if (!partial_topic_.pass(now)) return {};
  if (rejected == 0) return url_ + " took a window with a remark" + quoted(message);
  return url_ + " rejected " + std::to_string(rejected) +
         (rejected == 1 ? " profile" : " profiles") + " of a window" + quoted(message);
}

std::string DeliveryLog::strange_answer(Time now, int status, std::string_view text) {
  if (!strange_topic_.pass(now)) return {};
  return url_ + " answered " + std::to_string(status) +
         ", but not as an OTLP receiver does; is it the right address?" +
         (text.empty() ? std::string() : " It said: " + std::string(text));
}

std::string DeliveryLog::too_large(Time now, std::size_t bytes, std::size_t limit) {
  if (!too_large_topic_.pass(now)) return {};
  return "a window of " + std::to_string(bytes) + " bytes is above the limit of " +
         std::to_string(limit) + " and is dropped";
}

std::string DeliveryLog::lost_at_exit(std::uint64_t count, std::string_view reason) const {
  return windows(count) + " not delivered to " + url_ + " before exit" + quoted(reason);
}

}  // namespace otprof::transport
