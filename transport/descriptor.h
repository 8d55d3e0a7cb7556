// SPDX-License-Identifier: Apache-2.0
//
// Owns a file descriptor. Background thread only: descriptors are those of its private table.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace otprof::transport {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { reset(); }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  void reset() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }
  // Some file systems tell a failed write only here.
  bool close_checked() {
    const int fd = std::exchange(fd_, -1);
    return close(fd) == 0 || errno == EINTR;
  }

 private:
  int fd_ = -1;
};

}  // namespace otprof::transport
