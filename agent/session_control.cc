// SPDX-License-Identifier: Apache-2.0
//
// The session's answers to control.h.
#include "agent/control.h"
#include "agent/cpu/sampler.h"
#include "agent/heap/heap_sampler.h"
#include "agent/log.h"
#include "agent/profile_comments.h"
#include "agent/session.h"

namespace otprof::agent {

bool Session::serve_control() {
  const auto give_answer = [this](ControlRequest& request) { return answer(request); };
  bool is_waiting = control_queue().serve(give_answer);
  publish_status();
  if (control_socket_) {
    is_waiting |= control_socket_->serve(give_answer, [this] { return tell_status(); });
  }
  return is_waiting;
}

// Of the board, which has just been brought up to date, and what it has no room for.
std::string Session::tell_status() {
  publish_status();
  const StatusBoard& board = status_board();
  std::string text = "ok\n";
  const auto tell = [&text](std::string_view what, std::string_view value) {
    text.append(what).append(" ").append(value).append("\n");
  };
  const auto tell_number = [&](std::string_view what, std::uint64_t value) {
    tell(what, std::to_string(value));
  };
  tell("state", board.state.load() == OTPROF_RUNNING ? "running" : "stopped");
  tell("service", identity_.service_name);
  tell("cpu.engine", board.cpu_engine.load());
  tell("cpu.engine.reason", sampling_.facts().reason);
  tell_number("cpu.hz", board.cpu_hz.load());
  tell_number("cpu.samples", board.cpu_samples.load());
  tell_number("cpu.samples.lost", board.cpu_samples_lost.load());
  tell_number("heap.interval", board.heap_interval.load());
  tell_number("heap.samples", board.heap_samples.load());
  tell_number("heap.samples.lost", board.heap_samples_lost.load());
  tell_number("windows", board.windows.load());
  tell_number("requests.delivered", board.requests_delivered.load());
  tell_number("requests.waiting", board.requests_waiting.load());
  return text;
}

std::optional<int> Session::answer(ControlRequest& request) {
  switch (request.action) {
    case ControlAction::kStart: return resume();
    case ControlAction::kStop: suspend(); return OTPROF_OK;
    case ControlAction::kFlush:
      if (!request.has_begun) {
        request.has_begun = true;
        begin_next_window();
      }
      return delivery_->is_idle() || !request.is_watched ? std::optional<int>(OTPROF_OK)
                                                         : std::nullopt;
    case ControlAction::kSnapshot: return write_snapshot(request);
    case ControlAction::kSetCpuHz: return change_cpu_hz(request.value);
    case ControlAction::kSetHeapInterval:
      if (heap_ == nullptr) {
        return OTPROF_FAILED;
      }
      wishes().heap_interval = request.value;
      heap_->set_interval(request.value);
      governor_->set_heap_base(request.value > 1);
      return OTPROF_OK;
  }
  return OTPROF_FAILED;
}

void Session::begin_next_window() {
  close_window();
  window_end_ =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(options_.export_interval);
}

void Session::suspend() {
  sampling_.suspend();
  if (heap_ != nullptr) {
    heap_->stop();
  }
  wishes().is_stopped = true;
}

int Session::resume() {
  if (!wishes().is_stopped) {
    return sampling_.is_lost() && heap_ == nullptr ? static_cast<int>(OTPROF_FAILED)
                                                   : static_cast<int>(OTPROF_OK);
  }
  wishes().is_stopped = false;
  if (heap_ != nullptr) {
    heap_->start();
  }
  return sampling_.start(cpu_hz()) || heap_ != nullptr ? static_cast<int>(OTPROF_OK)
                                                       : static_cast<int>(OTPROF_FAILED);
}

int Session::change_cpu_hz(std::uint64_t hz) {
  if (sampling_.is_lost()) {
    return OTPROF_FAILED;
  }
  begin_next_window();
  wishes().cpu_hz = hz;
  governor_->set_cpu_hz(static_cast<std::uint32_t>(hz));
  return sampling_.change_rate(hz) ? static_cast<int>(OTPROF_OK) : static_cast<int>(OTPROF_FAILED);
}

int Session::write_snapshot(const ControlRequest& request) {
  collect_all();
  encoder::Dictionary dictionary;
  const std::uint64_t now = cpu::monotonic_ns();
  std::optional<encoder::Profile> profile;
  if (request.value == OTPROF_CPU && options_.cpu) {
    profile = make_cpu_profile(*window_, cpu_facts(now), modules_, symbolizer_, dictionary);
  } else if (request.value == OTPROF_HEAP && heap_ != nullptr) {
    profile = heap_->profile(now, unix_minus_monotonic(), modules_, symbolizer_, dictionary);
  }
  if (!profile) {
    log_warning(std::string("no snapshot written to ") + request.path + ": " +
                (request.value == OTPROF_CPU ? "CPU" : "the heap") + " is not sampled");
    return OTPROF_FAILED;
  }
  add_comments(dictionary, *profile);
  return delivery_->write_snapshot(dictionary, *profile, request.path)
             ? static_cast<int>(OTPROF_OK)
             : static_cast<int>(OTPROF_FAILED);
}

void Session::publish_status() {
  constexpr auto kOrder = std::memory_order_relaxed;
  StatusBoard& board = status_board();
  const bool is_on = sampling_.is_on() || (heap_ != nullptr && !wishes().is_stopped);
  board.state.store(is_on ? OTPROF_RUNNING : OTPROF_STOPPED, kOrder);
  const auto hz = static_cast<std::uint32_t>(cpu_hz() / governor_->rates().cpu_factor);
  board.cpu_hz.store(options_.cpu ? hz : 0, kOrder);
  board.cpu_engine.store(sampling_.engine_name(), kOrder);
  board.cpu_samples.store(samples_taken_, kOrder);
  board.cpu_samples_lost.store(ring_.lost(), kOrder);
  if (heap_ != nullptr) {
    const heap::HeapState& state = heap::heap_state();
    board.heap_interval.store(state.interval.load(kOrder), kOrder);
    board.heap_samples.store(state.samples.load(kOrder), kOrder);
    board.heap_samples_lost.store(state.lost_in_ring.load(kOrder), kOrder);
  }
  board.windows.store(delivery_->counters().windows, kOrder);
  if (const transport::Outbox* outbox = delivery_->outbox()) {
    const transport::Outbox::State state = outbox->state();
    board.requests_delivered.store(state.sender.delivered, kOrder);
    board.requests_waiting.store(state.queued + state.on_disk, kOrder);
  }
}

}  // namespace otprof::agent
