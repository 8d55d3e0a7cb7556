// SPDX-License-Identifier: Apache-2.0
//
// Where the bytes of an ELF file come from: a file read with pread, or an image in this process's
// memory (the vdso). A file is never mapped: if it is truncated meanwhile, a read is short and the
// look-up fails, where a load from a mapping would kill the host with SIGBUS.
// Background thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "agent/symbols/process_memory.h"

namespace otprof::symbols {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Bytes that may be read; offsets are in [0, size).
  virtual std::uint64_t size() const = 0;
  // All `size` bytes at `offset` or false.
  virtual bool read(std::uint64_t offset, void* to, std::size_t size) const = 0;
};

class FileSource final : public ByteSource {
 public:
  FileSource() = default;
  ~FileSource() override;
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

  // Regular files only (a FIFO or a device put in the file's place must not block us).
  bool open(const std::string& path);
  void close();
  std::uint64_t size() const override { return size_; }
  bool read(std::uint64_t offset, void* to, std::size_t size) const override;
  std::uint64_t device() const { return device_; }
  std::uint64_t inode() const { return inode_; }

 private:
  int fd_ = -1;
  std::uint64_t size_ = 0;
  std::uint64_t device_ = 0;
  std::uint64_t inode_ = 0;
};

class MemorySource final : public ByteSource {
 public:
  MemorySource(std::uintptr_t start, std::uintptr_t limit) : start_(start), size_(limit - start) {}
  std::uint64_t size() const override { return size_; }
  bool read(std::uint64_t offset, void* to, std::size_t size) const override;

 private:
  ProcessMemory memory_;
  std::uintptr_t start_;
  std::uint64_t size_;
};

}  // namespace otprof::symbols
