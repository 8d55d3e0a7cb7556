// SPDX-License-Identifier: Apache-2.0
#include "agent/control_line.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace otprof::agent {
namespace {

std::string_view take_word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

bool read_number(std::string_view text, std::uint64_t low, std::uint64_t high,
                 std::uint64_t& value) {
  const char* end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, value);
  return code == std::errc{} && stop == end && value >= low && value <= high;
}

bool parse_snapshot(std::string_view rest, ControlRequest& request, std::string& error) {
  request.action = ControlAction::kSnapshot;
  const std::string_view kind = take_word(rest);
  request.value = kind == "heap" ? OTPROF_HEAP : OTPROF_CPU;
  if ((kind != "heap" && kind != "cpu") || rest.empty() || rest[0] != '/' ||
      rest.size() >= kMostPathBytes) {
    error = "snapshot takes cpu or heap, and an absolute path of less than 4096 bytes";
    return false;
  }
  std::memcpy(request.path, rest.data(), rest.size());
  request.path[rest.size()] = '\0';
  return true;
}

}  // namespace

std::optional<ControlRequest> parse_control_line(std::string_view line, std::string& error) {
  ControlRequest request;
  request.is_watched = true;
  const std::string_view verb = take_word(line);
  if (verb == "snapshot") {
    return parse_snapshot(line, request, error) ? std::optional(request) : std::nullopt;
  }
  if (verb == "cpu-hz" || verb == "heap-interval") {
    const bool is_cpu = verb == "cpu-hz";
    request.action = is_cpu ? ControlAction::kSetCpuHz : ControlAction::kSetHeapInterval;
    if (!read_number(line, 1, is_cpu ? 10'000 : std::uint64_t{1} << 40U, request.value)) {
      error = is_cpu ? "cpu-hz takes 1 to 10000" : "heap-interval takes 1 to 1099511627776 bytes";
      return std::nullopt;
    }
    return request;
  }
  if (!line.empty()) {
    error = std::string(verb) + " takes nothing";
    return std::nullopt;
  }
  if (verb == "start") {
    request.action = ControlAction::kStart;
  } else if (verb == "stop") {
    request.action = ControlAction::kStop;
  } else if (verb == "flush") {
    request.action = ControlAction::kFlush;
  } else {
    error = "there is status, start, stop, flush, snapshot, cpu-hz and heap-interval";
    return std::nullopt;
  }
  return request;
}

}  // namespace otprof::agent
