// SPDX-License-Identifier: Apache-2.0
#include "agent/symbols/process_memory.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "agent/raw_syscall.h"

namespace otprof::symbols {
namespace {

// Any pipe holds this much, also one made when the user's share of pipe memory is used up.
constexpr std::size_t kChunk = 4096;

// The system call itself: a program may have functions of its own under the names of libc's that look
// at the memory they are given (AddressSanitizer, linked statically).
long without_interruption(long number, int fd, std::uintptr_t address, std::size_t size) {
  long result = 0;
  do {
    result = agent::raw_syscall(number, fd, static_cast<long>(address), static_cast<long>(size));
  } while (result == -EINTR);
  return result;
}

}  // namespace

ProcessMemory::ProcessMemory() {
  int ends[2];
  // Non-blocking: should the pipe ever be out of step, a read fails instead of hanging the thread.
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return;
  read_end_ = ends[0];
  write_end_ = ends[1];
}

ProcessMemory::~ProcessMemory() {
  if (read_end_ < 0) return;
  close(read_end_);
  close(write_end_);
}

bool ProcessMemory::read(std::uintptr_t address, void* to, std::size_t size) const {
  if (!usable() || size > UINTPTR_MAX - address) return false;
  auto* out = static_cast<char*>(to);
  while (size > 0) {
    // Up to the next page only: a write that crosses into an unreadable page may be taken in part.
    const std::size_t part = std::min(size, kChunk - address % kChunk);
    const long written = without_interruption(SYS_write, write_end_, address, part);
    if (written <= 0) return false;
    for (std::size_t taken = 0; taken < static_cast<std::size_t>(written);) {
      const long got =
          without_interruption(SYS_read, read_end_, reinterpret_cast<std::uintptr_t>(out + taken),
                               static_cast<std::size_t>(written) - taken);
      if (got <= 0) return false;
      taken += static_cast<std::size_t>(got);
    }
    out += written;
    address += static_cast<std::size_t>(written);
    size -= static_cast<std::size_t>(written);
  }
  return true;
}

}  // namespace otprof::symbols
