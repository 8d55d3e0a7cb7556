// SPDX-License-Identifier: Apache-2.0
//
// The directory under a spool: finding, making, locking and replacing files in it. What each file means
// is spool.h's.
//
// Promises: files are 0600; no symbolic link is followed; files of other users, and files that others
// can write to, are not read; who has a file has a lock (flock) on it, which ends with the process.
// Background thread only.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "transport/body.h"
#include "transport/descriptor.h"

namespace otprof::transport {

class SpoolDirectory {
 public:
  // `path`: absolute; made (0700) if it is not there. Nothing with `error` when it cannot be used.
  static std::optional<SpoolDirectory> open(const std::string& path, std::string& error);

  struct File {
    std::string name;
    bool is_regular = false;
    std::uint64_t size = 0;  // 0 of what is not regular
  };
  // This user's files whose names are wanted.
  std::vector<File> list(bool (*is_wanted)(std::string_view name)) const;

  struct Locked {
    std::string name;
    Descriptor file;
    std::uint64_t size = 0;
  };
  // Nothing, and no reason, for what is not there, another user's, or locked.
  std::optional<Locked> lock(const std::string& name, std::string& why_not) const;
  // A new file with a spool header, locked before anybody else can have it. Not open, with errno, when
  // there is none to be had.
  Descriptor create(const std::string& name, bool is_complete) const;
  // Puts a finished file with these bodies, `size` bytes, in the place of `name`, in one step and for
  // good (fsync). False with errno.
  bool replace(const std::string& name, std::span<const Body> bodies, std::uint64_t& size) const;
  // False with errno.
  bool rename(const std::string& from, const std::string& to) const;
  bool remove(const std::string& name) const;

 private:
  explicit SpoolDirectory(Descriptor directory) : directory_(std::move(directory)) {}
  bool still_names(const std::string& name, int fd) const;

  Descriptor directory_;
};

}  // namespace otprof::transport
