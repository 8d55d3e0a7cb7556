// SPDX-License-Identifier: Apache-2.0
#include "agent/etc_files.h"

#include <algorithm>
#include <charconv>

namespace otprof::agent {
namespace {

template <class Use>
void for_each_line(std::string_view text, const Use& use) {
  while (!text.empty()) {
    const std::size_t size = std::min(text.find('\n'), text.size());
    use(text.substr(0, size));
    text.remove_prefix(std::min(size + 1, text.size()));
  }
}

}  // namespace

std::string os_release_value(std::string_view text, std::string_view name) {
  std::string value;
  for_each_line(text, [&](std::string_view line) {
    if (!line.starts_with(name) || line.size() == name.size() || line[name.size()] != '=') {
      return;
    }
    line.remove_prefix(name.size() + 1);
    if (line.size() >= 2 && (line.front() == '"' || line.front() == '\'') &&
        line.back() == line.front()) {
      line = line.substr(1, line.size() - 2);
    }
    value = line;
  });
  return value;
}

std::string user_name(std::string_view passwd, std::uint32_t id) {
  std::string found;
  for_each_line(passwd, [&](std::string_view line) {
    const std::size_t name_end = line.find(':');
    const std::size_t password_end = line.find(':', std::min(name_end, line.size() - 1) + 1);
    if (!found.empty() || name_end == std::string_view::npos ||
        password_end == std::string_view::npos) {
      return;
    }
    std::uint32_t number = 0;
    const char* const end = line.data() + line.size();
    const auto [after, error] = std::from_chars(line.data() + password_end + 1, end, number);
    if (error == std::errc{} && after != end && *after == ':' && number == id) {
      found = line.substr(0, name_end);
    }
  });
  return found;
}

}  // namespace otprof::agent
