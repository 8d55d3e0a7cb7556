// SPDX-License-Identifier: Apache-2.0
#include "transport/spool_directory.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

#include "transport/errno_text.h"
#include "transport/spool_file.h"
#include "transport/spool_names.h"

namespace otprof::transport {
namespace {

constexpr int kMostTries = 8;

std::string why_not_usable(const struct stat& info) {
  constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;
  if (info.st_uid != geteuid() && info.st_uid != 0) return "belongs to another user";
  if ((info.st_mode & kOthersWrite) != 0 && (info.st_mode & S_ISVTX) == 0) {
    return "others may write to it; chmod go-w, or +t";
  }
  return {};
}

}  // namespace

std::optional<SpoolDirectory> SpoolDirectory::open(const std::string& path, std::string& error) {
  struct stat info {};
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    error = path + ": " + errno_text(errno);
    return std::nullopt;
  }
  if (lstat(path.c_str(), &info) == 0 && S_ISLNK(info.st_mode)) {
    error = path + ": is a symbolic link, which is not followed";
    return std::nullopt;
  }
  Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory.is_open() || fstat(directory.get(), &info) != 0) {
    error = path + ": " + errno_text(errno);
    return std::nullopt;
  }
  if (const std::string why = why_not_usable(info); !why.empty()) {
    error = path + ": " + why;
    return std::nullopt;
  }
  return SpoolDirectory(std::move(directory));
}

std::vector<SpoolDirectory::File> SpoolDirectory::list(
    bool (*is_wanted)(std::string_view name)) const {
  struct Record {
    std::uint64_t inode;
    std::int64_t offset;
    std::uint16_t length;
    std::uint8_t type;
    char name[1];
  };
  std::vector<File> files;
  // An offset of its own; opendir() would take memory from the host's allocator.
  const Descriptor reader(
      openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  alignas(8) std::array<char, 8192> buffer{};
  long got = 0;
  while (reader.is_open() &&
         (got = syscall(SYS_getdents64, reader.get(), buffer.data(), buffer.size())) > 0) {
    for (long at = 0; at < got;) {
      const auto* record = reinterpret_cast<const Record*>(buffer.data() + at);
      at += record->length;
      struct stat info {};
      if (!is_wanted(record->name) ||
          fstatat(directory_.get(), record->name, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
          info.st_uid != geteuid()) {
        continue;
      }
      const bool is_regular = S_ISREG(info.st_mode);
      files.push_back({.name = record->name,
                       .is_regular = is_regular,
                       .size = is_regular ? static_cast<std::uint64_t>(info.st_size) : 0});
    }
  }
  return files;
}

bool SpoolDirectory::still_names(const std::string& name, int fd) const {
  struct stat named {};
  struct stat held {};
  return fstat(fd, &held) == 0 &&
         fstatat(directory_.get(), name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         named.st_ino == held.st_ino && named.st_dev == held.st_dev;
}

std::optional<SpoolDirectory::Locked> SpoolDirectory::lock(const std::string& name,
                                                           std::string& why_not) const {
  struct stat info {};
  // Before opening: of a device even that may have effects.
  if (fstatat(directory_.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 ||
      info.st_uid != geteuid()) {
    return std::nullopt;
  }
  if (!S_ISREG(info.st_mode)) {
    why_not = "is not a regular file";
    return std::nullopt;
  }
  Locked open{.name = name,
              .file = Descriptor(openat(directory_.get(), name.c_str(),
                                        O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)),
              .size = 0};
  const int fd = open.file.get();
  // The file may have been finished by another process, or replaced, before the lock was ours.
  if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0 || !still_names(name, fd) ||
      fstat(fd, &info) != 0) {
    return std::nullopt;
  }
  if (info.st_nlink != 1) why_not = "has a second name";
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) why_not = "can be written to by others";
  if (!why_not.empty()) return std::nullopt;
  open.size = static_cast<std::uint64_t>(info.st_size);
  return open;
}

Descriptor SpoolDirectory::create(const std::string& name, bool is_complete) const {
  for (int i = 0; i < kMostTries; ++i) {
    Descriptor file(openat(directory_.get(), name.c_str(),
                           O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file.is_open()) return file;
    // Whatever the umask was. Another process may have taken it for a dead one's, and removed it.
    if (fchmod(file.get(), 0600) != 0 || flock(file.get(), LOCK_EX | LOCK_NB) != 0 ||
        !still_names(name, file.get())) {
      continue;
    }
    if (write_spool_header(file.get(), is_complete)) return file;
    const int error = errno;
    unlinkat(directory_.get(), name.c_str(), 0);
    errno = error;
    return {};
  }
  errno = EAGAIN;
  return {};
}

bool SpoolDirectory::replace(const std::string& name, std::span<const Body> bodies,
                             std::uint64_t& size) const {
  const std::string temporary = name + std::string(kTemporarySuffix);
  const Descriptor file = create(temporary, true);
  if (!file.is_open()) return false;
  size = 0;
  const bool is_written = std::ranges::all_of(
      bodies, [&](const Body& body) { return append_spool_body(file.get(), body, size); });
  if (is_written && fsync(file.get()) == 0 && rename(temporary, name)) {
    fsync(directory_.get());  // where a directory cannot be synced, nothing can be done about it
    return true;
  }
  const int error = errno;
  unlinkat(directory_.get(), temporary.c_str(), 0);
  errno = error;
  return false;
}

bool SpoolDirectory::rename(const std::string& from, const std::string& to) const {
  return renameat(directory_.get(), from.c_str(), directory_.get(), to.c_str()) == 0;
}

bool SpoolDirectory::remove(const std::string& name) const {
  return unlinkat(directory_.get(), name.c_str(), 0) == 0;
}

}  // namespace otprof::transport
