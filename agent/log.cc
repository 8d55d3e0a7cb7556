// SPDX-License-Identifier: Apache-2.0
#include "agent/log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/unusual_calls.h"

namespace otprof::agent {
namespace {

struct LogState {
  LogLevel level = LogLevel::kWarn;
  std::string file;
  bool private_table = false;
  bool has_stderr = false;
  dev_t stderr_device = 0;
  ino_t stderr_inode = 0;
  std::uint64_t lost = 0;
};

LogState& state() {
  static LogState* const instance = new LogState;  // outlives every destructor of the host
  return *instance;
}

bool is_first_stderr(int fd) {
  struct stat status {};
  return state().has_stderr && fstat(fd, &status) == 0 && status.st_dev == state().stderr_device &&
         status.st_ino == state().stderr_inode;
}

// A descriptor, in this thread's own table, for what the process has open as descriptor 2; -1: none.
// pidfd_getfd shares the open file and so its offset; where it is refused (old kernel, seccomp) the
// file is opened anew, for appending.
int borrow_stderr() {
  const long pidfd = unusual_syscall(SYS_pidfd_open, getpid(), 0);
  if (pidfd >= 0) {
    const long fd = unusual_syscall(SYS_pidfd_getfd, pidfd, STDERR_FILENO, 0);
    close(static_cast<int>(pidfd));
    if (fd >= 0) {
      return static_cast<int>(fd);
    }
  }
  return open("/proc/self/fd/2", O_WRONLY | O_APPEND | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
}

int open_destination() {
  if (!state().file.empty()) {
    return open(state().file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_CLOEXEC, 0640);
  }
  return state().private_table ? borrow_stderr() : STDERR_FILENO;
}

bool write_line(std::string_view line) {
  const int fd = open_destination();
  if (fd < 0) {
    return false;
  }
  const bool right_file = !state().file.empty() || is_first_stderr(fd);
  const bool written =
      right_file && write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  if (fd != STDERR_FILENO) {
    close(fd);
  }
  return written;
}

constexpr const char* level_word(LogLevel level) {
  switch (level) {
    case LogLevel::kError: return "error: ";
    case LogLevel::kWarn: return "warning: ";
    case LogLevel::kInfo: return "";
    case LogLevel::kDebug: return "debug: ";
  }
  return "";
}

}  // namespace

void open_log(LogLevel level, std::string_view file) {
  struct stat status {};
  state().level = level;
  state().file = file;
  state().has_stderr = fstat(STDERR_FILENO, &status) == 0;
  state().stderr_device = status.st_dev;
  state().stderr_inode = status.st_ino;
}

void log_from_private_table() { state().private_table = true; }
void log_from_own_table() { state().private_table = false; }

void log_line(LogLevel level, std::string_view message) {
  if (level <= state().level) {
    log_wanted(std::string(level_word(level)).append(message));
  }
}

void log_wanted(std::string_view message) {
  std::string line = "otprof: ";
  line.append(message).append("\n");
  if (!write_line(line)) {
    ++state().lost;
  }
}

void log_out_of_memory() noexcept {
  write_line("otprof: error: out of memory; no longer profiling\n");
}

std::uint64_t lost_log_lines() { return state().lost; }

}  // namespace otprof::agent
