// SPDX-License-Identifier: Apache-2.0
#include "transport/spool_file.h"

#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>

namespace otprof::transport {

constexpr std::uint32_t kBodyMagic = 0x59444f42;  // "BODY"

struct SpoolRecord {
  std::uint32_t magic = kBodyMagic;
  std::uint32_t is_gzip = 0;
  std::uint64_t uncompressed = 0;
  std::uint32_t size = 0;
  std::uint32_t checksum = 0;

  std::uint32_t sum_with(const std::string& bytes) const {
    SpoolRecord plain = *this;
    plain.checksum = 0;
    uLong sum = crc32_z(0, reinterpret_cast<const Bytef*>(&plain), sizeof plain);
    sum = crc32_z(sum, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
    return static_cast<std::uint32_t>(sum);
  }
};

namespace {

constexpr std::uint64_t kMagic = 0x314c505350544f00;  // "\0OTPSPL1"

struct Header {
  std::uint64_t magic = kMagic;
  std::uint32_t is_complete = 0;
  std::uint32_t settled = 0;
};
static_assert(sizeof(Header) == 16);

bool write_at(int fd, const void* bytes, std::size_t size, std::uint64_t at) {
  std::string_view left(static_cast<const char*>(bytes), size);
  while (!left.empty()) {
    const ssize_t written = pwrite(fd, left.data(), left.size(), static_cast<off_t>(at));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    left.remove_prefix(static_cast<std::size_t>(written));
    at += static_cast<std::uint64_t>(written);
  }
  return true;
}

bool read_at(int fd, void* bytes, std::size_t size, std::uint64_t at) {
  auto* to = static_cast<char*>(bytes);
  while (size > 0) {
    const ssize_t got = pread(fd, to, size, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    to += got;
    size -= static_cast<std::size_t>(got);
    at += static_cast<std::uint64_t>(got);
  }
  return true;
}

}  // namespace

bool write_spool_header(int fd, bool is_complete) {
  const Header header{.is_complete = is_complete ? 1U : 0U};
  return write_at(fd, &header, sizeof header, 0);
}

bool append_spool_body(int fd, const Body& body, std::uint64_t& end) {
  static_assert(sizeof(SpoolRecord) == 24);
  if (end == 0) end = sizeof(Header);
  if (body.bytes.size() > UINT32_MAX) {
    errno = EFBIG;
    return false;
  }
  SpoolRecord record;
  record.is_gzip = body.gzip ? 1 : 0;
  record.uncompressed = body.uncompressed_bytes;
  record.size = static_cast<std::uint32_t>(body.bytes.size());
  record.checksum = record.sum_with(body.bytes);
  // The bytes first: a record is seen when it is there whole.
  if (write_at(fd, body.bytes.data(), body.bytes.size(), end + sizeof record) &&
      write_at(fd, &record, sizeof record, end)) {
    end += sizeof record + body.bytes.size();
    return true;
  }
  const int error = errno;
  if (ftruncate(fd, static_cast<off_t>(end)) != 0) {
    // The checksum tells a reader that there is nothing.
  }
  errno = error;
  return false;
}

bool SpoolReader::open() {
  if (at_ != 0) return true;
  Header header;
  struct stat info {};
  if (fstat(fd_, &info) != 0 || !read_at(fd_, &header, sizeof header, 0) ||
      header.magic != kMagic) {
    return false;
  }
  file_size_ = static_cast<std::uint64_t>(info.st_size);
  is_complete_ = header.is_complete != 0;
  settled_ = header.settled;
  at_ = sizeof header;
  return skip_settled();
}

bool SpoolReader::skip_settled() {
  for (std::uint32_t i = 0; i < settled_; ++i) {
    SpoolRecord record;
    if (read_record(at_, record) != Result::kBody) return false;
    at_ += sizeof record + record.size;
  }
  return true;
}

SpoolReader::Result SpoolReader::read_record(std::uint64_t at, SpoolRecord& record) const {
  if (at >= file_size_) return Result::kEnd;
  if (file_size_ - at < sizeof record || !read_at(fd_, &record, sizeof record, at) ||
      record.magic != kBodyMagic || record.size > file_size_ - at - sizeof record) {
    return is_complete_ ? Result::kDamaged : Result::kTorn;
  }
  return Result::kBody;
}

SpoolReader::Result SpoolReader::next(Body& body) {
  if (!open()) return Result::kDamaged;
  SpoolRecord record;
  const Result result = read_record(at_, record);
  if (result != Result::kBody) return result;
  body = {};
  body.bytes.resize(record.size);
  body.gzip = record.is_gzip != 0;
  body.uncompressed_bytes = record.uncompressed;
  if (!read_at(fd_, body.bytes.data(), record.size, at_ + sizeof record) ||
      record.sum_with(body.bytes) != record.checksum) {
    return is_complete_ ? Result::kDamaged : Result::kTorn;
  }
  after_ = at_ + sizeof record + record.size;
  return Result::kBody;
}

bool SpoolReader::settle() {
  ++settled_;
  at_ = after_;
  return write_at(fd_, &settled_, sizeof settled_, offsetof(Header, settled));
}

std::uint32_t SpoolReader::count_left() {
  if (!open()) return 0;
  std::uint32_t count = 0;
  SpoolRecord record;
  for (std::uint64_t at = at_; read_record(at, record) == Result::kBody; ++count) {
    at += sizeof record + record.size;
  }
  return count;
}

}  // namespace otprof::transport
