// SPDX-License-Identifier: Apache-2.0
#include "agent/symbols/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace otprof::symbols {
namespace {

bool in_range(std::uint64_t offset, std::size_t size, std::uint64_t total) {
  return offset <= total && size <= total - offset;
}

}  // namespace

FileSource::~FileSource() { close(); }

bool FileSource::open(const std::string& path) {
  close();
  fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd_ < 0) return false;
  struct stat status;
  if (fstat(fd_, &status) != 0 || !S_ISREG(status.st_mode)) {
    close();
    return false;
  }
  size_ = static_cast<std::uint64_t>(status.st_size);
  device_ = status.st_dev;
  inode_ = status.st_ino;
  return true;
}

void FileSource::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  size_ = 0;
}

bool FileSource::read(std::uint64_t offset, void* to, std::size_t size) const {
  if (fd_ < 0 || !in_range(offset, size, size_)) return false;
  auto* out = static_cast<char*>(to);
  while (size > 0) {
    const ssize_t got = pread(fd_, out, size, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    out += got;
    offset += static_cast<std::uint64_t>(got);
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

bool MemorySource::read(std::uint64_t offset, void* to, std::size_t size) const {
  return in_range(offset, size, size_) && memory_.read(start_ + offset, to, size);
}

}  // namespace otprof::symbols
