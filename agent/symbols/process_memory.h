// SPDX-License-Identifier: Apache-2.0
//
// Reads this process's own memory so that a bad address is an error, never a fault: a library that
// was unmapped a moment ago, or whose file was truncated under its mapping (SIGBUS for a plain
// load). The bytes go through a pipe, because write() reports a bad address as EFAULT and is
// permitted by every seccomp filter a server may live under, while process_vm_readv is not.
// Background thread only: its file descriptor table is private. 2 fds as long as an object lives.
#pragma once

#include <cstddef>
#include <cstdint>

namespace otprof::symbols {

class ProcessMemory {
 public:
  ProcessMemory();
  ~ProcessMemory();
  ProcessMemory(const ProcessMemory&) = delete;
  ProcessMemory& operator=(const ProcessMemory&) = delete;

  // False when no pipe could be had: then every read fails.
  bool usable() const { return read_end_ >= 0; }
  // All `size` bytes or false; on false `to` is unspecified.
  bool read(std::uintptr_t address, void* to, std::size_t size) const;

 private:
  int read_end_ = -1;
  int write_end_ = -1;
};

}  // namespace otprof::symbols
