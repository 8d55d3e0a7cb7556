// SPDX-License-Identifier: Apache-2.0
//
// What otprof.h finds in this library. Any thread, signal handlers included, before the constructor
// has run and after the end.
#include <algorithm>
#include <cstring>
#include <string_view>

#include "agent/context_keys.h"
#include "agent/context_slots.h"
#include "agent/control.h"
#include "agent/heap/sampling.h"
#include "agent/raw_syscall.h"

namespace otprof::agent {
namespace {

constexpr std::uint64_t kMostHz = 10'000;
constexpr std::size_t kMostPathOfCaller = 1023;

int start(int timeout_ms) {
  return control_queue().call(ControlAction::kStart, 0, nullptr, timeout_ms);
}

int stop(int timeout_ms) {
  return control_queue().call(ControlAction::kStop, 0, nullptr, timeout_ms);
}

int flush(int timeout_ms) {
  return control_queue().call(ControlAction::kFlush, 0, nullptr, timeout_ms);
}

// The background thread has a working directory of its own. False: too long, or there is none.
bool make_absolute(const char* path, char (&absolute)[kMostPathBytes]) {
  const std::size_t size = std::strlen(path);
  std::size_t used = 0;
  if (path[0] != '/') {
    const long length = raw_syscall(SYS_getcwd, syscall_argument(&absolute[0]), kMostPathBytes);
    // Counts the terminating zero. "(unreachable)/..." is no path.
    if (length <= 1 || absolute[0] != '/') {
      return false;
    }
    used = static_cast<std::size_t>(length);
    absolute[used - 1] = '/';
  }
  if (used + size + 1 > kMostPathBytes) {
    return false;
  }
  std::memcpy(absolute + used, path, size + 1);
  return true;
}

int snapshot(int kind, const char* path, int timeout_ms) {
  char absolute[kMostPathBytes];
  if ((kind != OTPROF_CPU && kind != OTPROF_HEAP) || path == nullptr || path[0] == '\0' ||
      std::memchr(path, '\0', kMostPathOfCaller + 1) == nullptr || !make_absolute(path, absolute)) {
    return OTPROF_BAD_ARGUMENT;
  }
  return control_queue().call(ControlAction::kSnapshot, static_cast<std::uint64_t>(kind), absolute,
                              timeout_ms);
}

int set_cpu_hz(int hz, int timeout_ms) {
  if (hz < 1 || static_cast<std::uint64_t>(hz) > kMostHz) {
    return OTPROF_BAD_ARGUMENT;
  }
  return control_queue().call(ControlAction::kSetCpuHz, static_cast<std::uint64_t>(hz), nullptr,
                              timeout_ms);
}

int set_heap_interval(std::uint64_t bytes, int timeout_ms) {
  if (bytes < 1 || bytes > otprof::heap::kLongestInterval) {
    return OTPROF_BAD_ARGUMENT;
  }
  return control_queue().call(ControlAction::kSetHeapInterval, bytes, nullptr, timeout_ms);
}

// Programs may know a shorter or a longer struct.
int status(otprof_status* to, std::size_t size) {
  if (to == nullptr) {
    return OTPROF_BAD_ARGUMENT;
  }
  if (!control_queue().is_open()) {
    return OTPROF_NOT_RUNNING;
  }
  const StatusBoard& board = status_board();
  constexpr auto kOrder = std::memory_order_relaxed;
  otprof_status now = {.state = board.state.load(kOrder),
                       .cpu_hz = board.cpu_hz.load(kOrder),
                       .heap_interval = board.heap_interval.load(kOrder),
                       .cpu_samples = board.cpu_samples.load(kOrder),
                       .cpu_samples_lost = board.cpu_samples_lost.load(kOrder),
                       .heap_samples = board.heap_samples.load(kOrder),
                       .heap_samples_lost = board.heap_samples_lost.load(kOrder),
                       .windows = board.windows.load(kOrder),
                       .requests_delivered = board.requests_delivered.load(kOrder),
                       .requests_waiting = board.requests_waiting.load(kOrder),
                       .cpu_engine = {}};
  const std::string_view engine = board.cpu_engine.load(kOrder);
  std::memcpy(now.cpu_engine, engine.data(), std::min(engine.size(), sizeof now.cpu_engine - 1));
  std::memcpy(to, &now, std::min(size, sizeof now));
  return OTPROF_OK;
}

int key(const char* name) {
  const std::string_view text = name != nullptr ? name : "";
  if (text.empty() || text.size() > kMostKeyBytes) {
    return OTPROF_BAD_ARGUMENT;
  }
  const int number = context_key(text);
  return number < 0 ? static_cast<int>(OTPROF_NO_ROOM) : number;
}

int announce(void** slot) {
  return announce_slot(slot) ? static_cast<int>(OTPROF_OK) : static_cast<int>(OTPROF_BAD_ARGUMENT);
}

constexpr otprof_api kApi = {.size = sizeof(otprof_api),
                             .start = start,
                             .stop = stop,
                             .flush = flush,
                             .snapshot = snapshot,
                             .set_cpu_hz = set_cpu_hz,
                             .set_heap_interval = set_heap_interval,
                             .status = status,
                             .key = key,
                             .announce_slot = announce};

}  // namespace
}  // namespace otprof::agent

extern "C" [[gnu::visibility("default")]] const otprof_api* otprof_api_v1() {
  return &otprof::agent::kApi;
}
