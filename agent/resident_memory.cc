// SPDX-License-Identifier: Apache-2.0
#include "agent/resident_memory.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "agent/proc_file.h"
#include "agent/unusual_calls.h"

namespace otprof::agent {
namespace {

constexpr std::uintptr_t kPage = 4096;

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

// How each heap of an arena that is not the first begins (glibc's malloc/arena.c, unchanged in this part since 2.3).
// Heaps lie at multiples of their largest size.
struct HeapHeader {
  std::uintptr_t arena = 0;
  std::uintptr_t previous = 0;
  std::uint64_t size = 0;
  std::uint64_t usable = 0;  // made accessible so far
};
constexpr std::uintptr_t kHeapSize = std::uintptr_t{64} << 20U;
// That are looked for in one mapping: 64 GiB.
constexpr std::uintptr_t kMostHeaps = 1024;

bool is_heap(std::uintptr_t start, const HeapHeader& header) {
  const bool is_first = header.previous == 0;
  const std::uintptr_t arena_heap = header.arena & ~(kHeapSize - 1);
  return (is_first ? arena_heap == start && header.arena - start < kPage
                   : header.previous % kHeapSize == 0 && header.previous != start) &&
         header.arena != 0 && header.size != 0 && header.size % kPage == 0 &&
         header.size <= header.usable && header.usable <= kHeapSize && header.usable % kPage == 0;
}

}  // namespace

ResidentMemory read_resident_memory() {
  const std::string status = read_small_file("/proc/self/status");
  return {.anonymous = bytes_of(status, "\nRssAnon:"),
          .file = bytes_of(status, "\nRssFile:"),
          .shared = bytes_of(status, "\nRssShmem:")};
}

void add_regions(std::string_view line, const symbols::ProcessMemory& memory,
                 MemoryRegions& regions) {
  // start-limit rwxp offset device inode name
  constexpr int kHex = 16;
  AddressRange range;
  const char* const end = line.data() + line.size();
  const auto [dash, error] = std::from_chars(line.data(), end, range.start, kHex);
  if (error != std::errc() || dash == end) {
    return;
  }
  const auto [space, limit_error] = std::from_chars(dash + 1, end, range.limit, kHex);
  const std::string_view rest(space, static_cast<std::size_t>(end - space));
  if (limit_error != std::errc() || !rest.starts_with(" rw-p ")) {
    return;
  }
  if (line.ends_with(" [heap]")) {
    regions.heaps.push_back(range);
  } else if (line.ends_with(" [stack]")) {
    regions.main_stack = range;
  } else if (rest.find(" 00:00 0") != std::string_view::npos) {
    const std::uintptr_t first = (range.start + kHeapSize - 1) & ~(kHeapSize - 1);
    // Of what is larger, a reservation as sanitizers make them, only the beginning. Pages that are not
    // resident are no heap's first; reading them would make them, or wait for whoever provides them.
    const std::uintptr_t limit = std::min(range.limit, first + kMostHeaps * kHeapSize);
    for (std::uintptr_t at = first; at < limit; at += kHeapSize) {
      HeapHeader header;
      if (resident_bytes({at, at + 1}) != 0 && memory.read(at, &header, sizeof header) &&
          is_heap(at, header)) {
        regions.heaps.push_back({at, at + header.usable});
      }
    }
  }
}

MemoryRegions read_memory_regions() {
  MemoryRegions regions;
  const symbols::ProcessMemory memory;
  const int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return regions;
  }
  // A line is at most a path longer than what stands in front of it.
  std::array<char, 32768> buffer{};
  std::size_t filled = 0;
  for (;;) {
    const ssize_t got = read(fd, buffer.data() + filled, buffer.size() - filled);
    if (got <= 0) {
      break;
    }
    filled += static_cast<std::size_t>(got);
    std::string_view text(buffer.data(), filled);
    for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n')) {
      add_regions(text.substr(0, at), memory, regions);
      text.remove_prefix(at + 1);
    }
    std::copy(text.begin(), text.end(), buffer.begin());
    filled = text.size();
  }
  close(fd);
  return regions;
}

std::int64_t resident_bytes(AddressRange range) {
  constexpr std::size_t kPagesAtOnce = 4096;
  std::array<unsigned char, kPagesAtOnce> pages{};
  std::int64_t count = 0;
  std::uintptr_t at = range.start & ~(kPage - 1);
  while (at < range.limit) {
    const std::size_t wanted = std::min((range.limit - at + kPage - 1) / kPage, kPagesAtOnce);
    if (unusual_syscall(SYS_mincore, static_cast<long>(at), static_cast<long>(wanted * kPage),
                        syscall_argument(pages.data())) == 0) {
      count += std::count_if(pages.begin(), pages.begin() + static_cast<std::ptrdiff_t>(wanted),
                             [](unsigned char page) { return (page & 1U) != 0; });
    }
    at += wanted * kPage;
  }
  return count * static_cast<std::int64_t>(kPage);
}

}  // namespace otprof::agent
