// SPDX-License-Identifier: Apache-2.0
#include "agent/proc_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

namespace otprof::agent {

std::string read_small_file(const char* path, std::size_t limit) {
  constexpr std::size_t kChunk = 4096;
  std::string text;
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return text;
  }
  while (text.size() < limit) {
    const std::size_t had = text.size();
    text.resize(std::min(had + kChunk, limit));
    const ssize_t got = read(fd, text.data() + had, text.size() - had);
    text.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got <= 0) {
      break;
    }
  }
  close(fd);
  return text;
}

}  // namespace otprof::agent
