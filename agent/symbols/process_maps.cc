// SPDX-License-Identifier: Apache-2.0
#include "agent/symbols/process_maps.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>
#include <utility>

namespace otprof::symbols {
namespace {

constexpr std::string_view kDeleted = " (deleted)";

// Takes a number and the character that ends it off the front of `line`.
template <typename T>
bool take_number(std::string_view& line, int base, char end, T& value) {
  const auto [after, error] = std::from_chars(line.data(), line.data() + line.size(), value, base);
  if (error != std::errc() || after == line.data() + line.size() || *after != end) return false;
  line.remove_prefix(static_cast<std::size_t>(after - line.data()) + 1);
  return true;
}

struct Line {
  std::uintptr_t start = 0;
  std::uintptr_t limit = 0;
  bool readable = false;
  bool executable = false;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::string_view path;
};

// start-limit perms offset major:minor inode   path     (proc(5))
bool parse(std::string_view text, Line& line) {
  std::uint64_t offset = 0;
  unsigned major_number = 0;
  unsigned minor_number = 0;
  if (!take_number(text, 16, '-', line.start) || !take_number(text, 16, ' ', line.limit)) {
    return false;
  }
  if (text.size() < 5) return false;
  line.readable = text[0] == 'r';
  line.executable = text[2] == 'x';
  text.remove_prefix(5);
  if (!take_number(text, 16, ' ', offset) || !take_number(text, 16, ':', major_number) ||
      !take_number(text, 16, ' ', minor_number)) {
    return false;
  }
  const std::size_t digits = std::min(text.find(' '), text.size());
  if (std::from_chars(text.data(), text.data() + digits, line.inode).ec != std::errc()) {
    return false;
  }
  line.device = makedev(major_number, minor_number);
  text.remove_prefix(digits);
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  line.path = text;
  return true;
}

// The kernel writes a newline in a path as \012 and leaves everything else alone.
std::string plain_path(std::string_view path) {
  if (path.ends_with(kDeleted)) path.remove_suffix(kDeleted.size());
  std::string plain;
  plain.reserve(path.size());
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path.substr(i, 4) == "\\012") {
      plain += '\n';
      i += 3;
    } else {
      plain += path[i];
    }
  }
  return plain;
}

// Use: bool(const Line&), false to stop early. False when the list cannot be read to where it stopped.
template <typename Use>
bool for_each_line(const Use& use) {
  const int fd = open("/proc/thread-self/maps", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  // Room for the longest path and the numbers before it; a line that is longer still is skipped.
  std::array<char, 16384> buffer;
  std::size_t filled = 0;
  bool in_oversized_line = false;
  bool wanted = true;
  bool ok = true;
  while (wanted) {
    const ssize_t got = read(fd, buffer.data() + filled, buffer.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      ok = got == 0;
      break;
    }
    filled += static_cast<std::size_t>(got);
    std::string_view rest(buffer.data(), filled);
    for (std::size_t end; wanted && (end = rest.find('\n')) != std::string_view::npos;
         rest.remove_prefix(end + 1)) {
      Line line;
      const bool whole = !std::exchange(in_oversized_line, false);
      if (whole && parse(rest.substr(0, end), line)) wanted = use(line);
    }
    if (rest.size() == buffer.size()) {
      in_oversized_line = true;
      rest.remove_prefix(rest.size());
    }
    std::memmove(buffer.data(), rest.data(), rest.size());
    filled = rest.size();
  }
  close(fd);
  return ok;
}

}  // namespace

bool find_mappings(std::span<MappingQuery> queries) {
  if (queries.empty()) return true;
  std::size_t next = 0;
  return for_each_line([&](const Line& line) {
    while (next < queries.size() && queries[next].address < line.limit) {
      MappingQuery& query = queries[next++];
      if (query.address < line.start) continue;
      query.device = line.device;
      query.inode = line.inode;
      query.path = plain_path(line.path);
    }
    return next < queries.size();
  });
}

bool find_named_mappings(std::span<const std::string_view> prefixes,
                         std::vector<NamedMapping>& found) {
  found.clear();
  return for_each_line([&](const Line& line) {
    const bool matches = std::ranges::any_of(
        prefixes, [&](std::string_view prefix) { return line.path.starts_with(prefix); });
    if (matches) found.push_back({line.start, line.limit, line.readable, line.executable});
    return true;
  });
}

}  // namespace otprof::symbols
