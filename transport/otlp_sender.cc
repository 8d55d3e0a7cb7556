// SPDX-License-Identifier: Apache-2.0
#include "transport/otlp_sender.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <optional>

#include "transport/answer.h"
#include "transport/backoff.h"
#include "transport/delivery_log.h"
#include "transport/endpoint.h"
#include "transport/http_exchange.h"
#include "transport/response.h"

namespace otprof::transport {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// splitmix64. Different in each process, so that jitter spreads a fleet; nothing secret hangs on it.
class Jitter {
 public:
  Jitter()
      : state_(static_cast<std::uint64_t>(Clock::now().time_since_epoch().count()) ^
               (static_cast<std::uint64_t>(getpid()) << 32)) {}

  double next01() {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    z ^= z >> 31;
    return static_cast<double>(z >> 11) * 0x1p-53;
  }

 private:
  std::uint64_t state_;
};

// Where nobody answers twice there is nobody, and attempts cost: a failed TLS handshake some 30 ms of
// CPU time.
constexpr unsigned kUnansweredAtExit = 2;

struct Window {
  Body body;
  bool tried = false;
};

}  // namespace

struct OtlpSender::State {
  explicit State(SenderConfig settings)
      : config(std::move(settings)), exchange(config), log(display_url(config.url)) {}

  void warn(const std::string& line) {
    if (!line.empty() && config.warn != nullptr) config.warn(config.warn_context, line);
  }

  void push_back(Window window) {
    waiting_bytes += window.body.bytes.size();
    waiting.push_back(std::move(window));
    trim();
  }

  void push_front(Window window) {
    waiting_bytes += window.body.bytes.size();
    waiting.push_front(std::move(window));
    trim();
  }

  Window pop_front() {
    Window window = std::move(waiting.front());
    waiting.pop_front();
    waiting_bytes -= window.body.bytes.size();
    return window;
  }

  // The oldest go until the rest fits; the newest stays, however large.
  void trim() {
    while (waiting.size() > 1 &&
           (waiting.size() > config.queue_windows || waiting_bytes > config.queue_bytes)) {
      if (lose(pop_front(), counters.dropped_queue_full)) log.dropped(1);
    }
  }

  void tell(const Window& window, Fate fate) {
    if (window.body.is_on_disk && config.settled != nullptr) {
      config.settled(config.settled_context, fate);
    }
  }

  // True if the window is lost by that, and counted in `drops`.
  bool lose(const Window& window, std::uint64_t& drops) {
    ++(window.body.is_on_disk ? counters.given_up : drops);
    tell(window, Fate::kGivenUp);
    return !window.body.is_on_disk;
  }

  void begin(Clock::time_point now);
  void settle(const Answer& answer, Clock::time_point now);
  void read_success(const Answer& answer, Clock::time_point now);
  void back_off(Window window, const Answer& answer, Clock::time_point now);

  const SenderConfig config;
  SenderCounters counters;
  std::deque<Window> waiting;  // oldest first
  std::size_t waiting_bytes = 0;
  std::optional<Window> under_way;  // its bytes are what `exchange` sends
  HttpExchange exchange;
  DeliveryLog log;
  Jitter jitter;
  unsigned failures = 0;           // retryable ones in a row, of any body
  Clock::time_point not_before{};  // next attempt
  std::optional<Clock::time_point> finish_by;
  std::string last_failure;         // since finish() began
  std::uint64_t lost_at_exit = 0;   // the same
  unsigned unanswered_at_exit = 0;  // the same, attempts in a row
};

void OtlpSender::State::begin(Clock::time_point now) {
  under_way = pop_front();
  milliseconds timeout = config.timeout;
  if (finish_by) {
    // Rounded up, so that it is the deadline that ends an attempt and not one timeout that leaves
    // a millisecond for another.
    const auto left = std::max(milliseconds(1), std::chrono::ceil<milliseconds>(*finish_by - now));
    timeout = timeout.count() == 0 ? left : std::min(timeout, left);
  }
  ++counters.attempts;
  if (under_way->tried) ++counters.retries;
  under_way->tried = true;
  exchange.start(under_way->body, timeout);
}

void OtlpSender::State::read_success(const Answer& answer, Clock::time_point now) {
  const auto response = decode_export_response(answer.body);
  if (!response) {
    // An answer that was cut off is no sign of a wrong address.
    if (answer.failure.empty()) {
      warn(log.strange_answer(now, answer.status, printable(answer.body)));
    }
    return;
  }
  counters.rejected_profiles += static_cast<std::uint64_t>(response->rejected_profiles);
  if (response->rejected_profiles > 0 || !response->error_message.empty()) {
    warn(log.partial(now, response->rejected_profiles, printable(response->error_message)));
  }
}

void OtlpSender::State::back_off(Window window, const Answer& answer, Clock::time_point now) {
  ++failures;
  milliseconds delay =
      backoff_delay(failures, config.first_backoff, config.max_backoff, jitter.next01());
  if (const auto asked = parse_retry_after(answer.retry_after, time(nullptr))) {
    delay = std::max(delay, *asked);
  }
  not_before = now + delay;
  warn(log.failed(now, explain(answer), waiting.size() + 1));
  push_front(std::move(window));
}

void OtlpSender::State::settle(const Answer& answer, Clock::time_point now) {
  Window window = std::move(*under_way);
  under_way.reset();
  counters.bytes_sent += answer.bytes_sent;
  switch (judge(answer)) {
    case Verdict::kDelivered:
      failures = 0;
      ++counters.delivered;
      tell(window, Fate::kDelivered);
      warn(log.delivered(now));
      read_success(answer, now);
      break;
    case Verdict::kRefused:
      failures = 0;
      ++counters.dropped_refused;
      tell(window, Fate::kRefused);
      warn(log.refused(now, explain(answer)));
      break;
    case Verdict::kRetry:
      if (finish_by) {
        last_failure = explain(answer);
        unanswered_at_exit = answer.status == 0 ? unanswered_at_exit + 1 : 0;
        lost_at_exit += lose(window, counters.dropped_at_exit) ? 1 : 0;
      } else {
        back_off(std::move(window), answer, now);
      }
      break;
  }
}

OtlpSender::OtlpSender(SenderConfig config) : state_(std::make_unique<State>(std::move(config))) {}

OtlpSender::~OtlpSender() = default;

void OtlpSender::enqueue(Body body) {
  State& s = *state_;
  ++s.counters.enqueued;
  const std::size_t bytes = std::max(body.bytes.size(), body.uncompressed_bytes);
  if (bytes > s.config.max_body_bytes) {
    ++s.counters.dropped_too_large;
    s.warn(s.log.too_large(Clock::now(), bytes, s.config.max_body_bytes));
    s.tell({std::move(body)}, Fate::kRefused);
    return;
  }
  s.push_back({std::move(body)});
}

Clock::time_point OtlpSender::step() {
  State& s = *state_;
  const auto now = Clock::now();
  if (!s.under_way) {
    if (s.waiting.empty()) return Clock::time_point::max();
    if (now < s.not_before) return s.not_before;
    s.begin(now);
  }
  const auto answer = s.exchange.advance();
  if (!answer) return s.exchange.deadline();
  s.settle(*answer, Clock::now());
  if (s.waiting.empty()) return Clock::time_point::max();
  return std::max(s.not_before, now);
}

bool OtlpSender::in_flight() const { return state_->under_way.has_value(); }

void OtlpSender::wait(milliseconds limit) { state_->exchange.wait(limit); }

void OtlpSender::finish(Clock::time_point deadline) {
  State& s = *state_;
  s.finish_by = deadline;
  s.not_before = {};
  s.last_failure = "no answer in time";
  s.lost_at_exit = 0;
  s.unanswered_at_exit = 0;
  while (queued() > 0 && s.unanswered_at_exit < kUnansweredAtExit) {
    const auto now = Clock::now();
    if (now >= deadline) break;
    const auto next = std::min(step(), deadline);
    if (!in_flight()) continue;  // without backoffs the next body is due at once
    const auto pause = std::chrono::ceil<milliseconds>(next - Clock::now());
    wait(std::max(milliseconds(0), pause));
  }
  s.exchange.cancel();
  if (s.under_way) {
    s.lost_at_exit += s.lose(*s.under_way, s.counters.dropped_at_exit) ? 1 : 0;
    s.under_way.reset();
  }
  while (!s.waiting.empty()) {
    s.lost_at_exit += s.lose(s.pop_front(), s.counters.dropped_at_exit) ? 1 : 0;
  }
  if (s.lost_at_exit > 0) s.warn(s.log.lost_at_exit(s.lost_at_exit, s.last_failure));
  s.finish_by.reset();
}

void OtlpSender::give_up_waiting() {
  State& s = *state_;
  std::deque<Window> kept;
  while (!s.waiting.empty()) {
    Window window = s.pop_front();
    if (window.body.is_on_disk) {
      s.lose(window, s.counters.dropped_at_exit);
    } else {
      kept.push_back(std::move(window));
    }
  }
  for (Window& window : kept) s.push_back(std::move(window));
}

bool OtlpSender::is_failing() const { return state_->failures > 0; }

std::size_t OtlpSender::queued() const {
  return state_->waiting.size() + (state_->under_way ? 1 : 0);
}

std::size_t OtlpSender::queued_bytes() const {
  return state_->waiting_bytes + (state_->under_way ? state_->under_way->body.bytes.size() : 0);
}

const SenderCounters& OtlpSender::counters() const { return state_->counters; }

}  // namespace otprof::transport
