// SPDX-License-Identifier: Apache-2.0
//
// What one file of the spool looks like inside: request bodies, one after another, each with its
// length and a checksum, behind a header that says how many have been settled already.
//
//   header   8 bytes magic, u32 complete (0 or 1), u32 bodies settled
//   body     u32 magic, u32 gzip (0 or 1), u64 uncompressed bytes, u32 bytes, u32 crc32 of all that
//            and of the bytes that follow
//
// Numbers are the machine's own. A complete file is written whole before it gets its name. One that is
// not complete is a journal: bodies are added as they come, and the process may be killed in the
// middle of one, which is then not there.
// Background thread only.
#pragma once

#include <cstdint>

#include "transport/body.h"

namespace otprof::transport {

// An empty file becomes one of no bodies. False: see errno.
bool write_spool_header(int fd, bool is_complete);
// Adds a body at `end`, which is moved on; 0: behind the header. When it fails (see errno) what had
// been written of it is cut off again.
bool append_spool_body(int fd, const Body& body, std::uint64_t& end);

struct SpoolRecord;

class SpoolReader {
 public:
  // `fd` stays the caller's.
  explicit SpoolReader(int fd) : fd_(fd) {}

  enum class Result {
    kBody,
    kEnd,      // all bodies are settled
    kTorn,     // the same, but the last ones of a journal are not there whole
    kDamaged,  // not what was written
  };
  // The first body that is not settled.
  Result next(Body& body);
  // Settles the body that next() gave: it will not be given again, not to another process either.
  // False: see errno; to another process it will be.
  bool settle();
  // How many bodies are still to be given, as far as lengths can be followed.
  std::uint32_t count_left();

 private:
  bool open();
  Result read_record(std::uint64_t at, SpoolRecord& record) const;
  bool skip_settled();

  int fd_;
  std::uint64_t file_size_ = 0;
  std::uint64_t at_ = 0;  // of the first body not settled; 0: not opened yet
  std::uint64_t after_ = 0;
  std::uint32_t settled_ = 0;
  bool is_complete_ = false;
};

}  // namespace otprof::transport
