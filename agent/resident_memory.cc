// SPDX-License-Identifier: Apache-2.0
#include "agent/resident_memory.h"

#include <charconv>
#include <string>
#include <string_view>

#include "agent/proc_file.h"

namespace otprof::agent {
namespace {

// "NAME:   123 kB" in bytes; 0 without that line.
std::int64_t bytes_of(std::string_view status, std::string_view name) {
  std::size_t at = status.find(name);
  if (at == std::string_view::npos) {
    return 0;
  }
  at = status.find_first_not_of(" \t", at + name.size());
  std::int64_t kib = 0;
  if (at != std::string_view::npos) {
    std::from_chars(status.data() + at, status.data() + status.size(), kib);
  }
  return kib * 1024;
}

}  // namespace

ResidentMemory read_resident_memory() {
  const std::string status = read_small_file("/proc/self/status");
  return {.anonymous = bytes_of(status, "\nRssAnon:"),
          .file = bytes_of(status, "\nRssFile:"),
          .shared = bytes_of(status, "\nRssShmem:")};
}

}  // namespace otprof::agent
