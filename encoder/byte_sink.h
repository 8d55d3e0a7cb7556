// SPDX-License-Identifier: Apache-2.0
//
// Where encoded bytes go: a string, a counter, or a gzip stream in front of another sink.
// One thread at a time; not from a signal handler or a malloc hook.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace otprof::encoder {

class ByteSink {
 public:
  virtual ~ByteSink() = default;
  // False: the sink failed for good (out of memory, over its limit); the encoder stops at once.
  virtual bool write(const void* bytes, std::size_t size) = 0;
};

// Appends to a string, up to `limit` bytes.
class StringSink final : public ByteSink {
 public:
  explicit StringSink(std::string& out, std::size_t limit = SIZE_MAX) : out_(out), limit_(limit) {}
  bool write(const void* bytes, std::size_t size) override;

 private:
  std::string& out_;
  std::size_t limit_;
};

// gzip (RFC 1952) by zlib in front of `next`, deflate level 1, streamed through a 4 KiB stage, so
// memory stays flat whatever the size of the profile. finish() writes the trailer; without it the
// output is incomplete.
class GzipSink final : public ByteSink {
 public:
  explicit GzipSink(ByteSink& next, int level = 1);
  ~GzipSink() override;
  bool write(const void* bytes, std::size_t size) override;
  bool finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace otprof::encoder
