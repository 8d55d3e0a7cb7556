// SPDX-License-Identifier: Apache-2.0
#include "transport/profile_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "transport/descriptor.h"
#include "transport/errno_text.h"

namespace otprof::transport {

namespace {

constexpr int kMaxNameTries = 8;

std::string describe(const std::string& directory, const std::string& name, int code) {
  return directory + "/" + name + ": " + errno_text(code);
}

// Hidden from "*.pb.gz"; not to be guessed from another run of the same pid.
std::string temporary_name(const std::string& name, int attempt) {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return "." + name + "." + std::to_string(now.tv_sec) + "-" +
         std::to_string(now.tv_nsec + attempt) + ".tmp";
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// A process may be executed away or killed in the middle of a write: a file that has no name until it
// is whole leaves nothing behind. False where the file system or a missing /proc does not allow it, and
// when the name is taken. /proc/self would be the table of the main thread, not of this one.
bool write_before_naming(int dir, const std::string& name, std::string_view bytes) {
  Descriptor file(openat(dir, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600));
  if (!file.is_open() || !write_all(file.get(), bytes)) {
    return false;
  }
  const std::string open_file = "/proc/thread-self/fd/" + std::to_string(file.get());
  return linkat(AT_FDCWD, open_file.c_str(), dir, name.c_str(), AT_SYMLINK_FOLLOW) == 0;
}

}  // namespace

bool write_file_atomically(const std::string& directory, const std::string& name,
                           std::string_view bytes, std::string& error) {
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos) {
    error = directory + "/" + name + ": not a file name";
    return false;
  }
  const Descriptor dir(open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (dir.get() < 0) {
    error = describe(directory, name, errno);
    return false;
  }
  struct stat existing {};
  if (fstatat(dir.get(), name.c_str(), &existing, AT_SYMLINK_NOFOLLOW) == 0 &&
      !S_ISREG(existing.st_mode)) {
    error = directory + "/" + name + ": exists and is not a regular file";
    return false;
  }

  if (write_before_naming(dir.get(), name, bytes)) {
    return true;
  }

  std::string temporary;
  int fd = -1;
  for (int attempt = 0; fd < 0 && attempt < kMaxNameTries; ++attempt) {
    temporary = temporary_name(name, attempt);
    fd = openat(dir.get(), temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                0600);
    if (fd < 0 && errno != EEXIST) break;
  }
  Descriptor file(fd);
  if (file.get() < 0) {
    error = describe(directory, name, errno);
    return false;
  }
  if (write_all(file.get(), bytes) && file.close_checked() &&
      renameat(dir.get(), temporary.c_str(), dir.get(), name.c_str()) == 0) {
    return true;
  }
  error = describe(directory, name, errno);
  unlinkat(dir.get(), temporary.c_str(), 0);
  return false;
}

}  // namespace otprof::transport
