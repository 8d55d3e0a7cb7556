// SPDX-License-Identifier: Apache-2.0
#include "encoder/byte_sink.h"

#include <zlib.h>

#include <catch2/catch.hpp>
#include <random>

namespace otprof::encoder {
namespace {

std::string gunzip(const std::string& bytes) {
  z_stream stream{};
  REQUIRE(inflateInit2(&stream, 15 + 16) == Z_OK);
  std::string plain(std::size_t{8} << 20, '\0');
  std::string input = bytes;
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(plain.data());
  stream.avail_out = static_cast<uInt>(plain.size());
  CHECK(inflate(&stream, Z_FINISH) == Z_STREAM_END);
  CHECK(stream.avail_in == 0);
  plain.resize(stream.total_out);
  inflateEnd(&stream);
  return plain;
}

std::string noise(std::size_t size, unsigned values) {
  std::mt19937 random(7);
  std::string text(size, '\0');
  for (char& byte : text) byte = static_cast<char>(random() % values);
  return text;
}

// Takes `limit` bytes, then fails.
class FailingSink final : public ByteSink {
 public:
  explicit FailingSink(std::size_t limit) : limit_(limit) {}
  bool write(const void*, std::size_t size) override {
    CHECK_FALSE(failed_);  // nothing may be written after a failure
    if (size > limit_) failed_ = true;
    limit_ -= failed_ ? 0 : size;
    return !failed_;
  }

 private:
  std::size_t limit_;
  bool failed_ = false;
};

TEST_CASE("a string sink keeps to its limit") {
  std::string out = "ab";
  StringSink sink(out, 5);
  CHECK(sink.write("cd", 2));
  CHECK(sink.write("", 0));
  CHECK_FALSE(sink.write("ef", 2));
  CHECK(sink.write("e", 1));
  CHECK(out == "abcde");
  std::string full = "too long";
  StringSink late(full, 3);
  CHECK_FALSE(late.write("x", 1));
}

TEST_CASE("gzip round trip") {
  for (const std::size_t size : {0U, 1U, 4095U, 4096U, 4097U, 1'000'000U}) {
    for (const unsigned values : {1U, 5U, 256U}) {
      const std::string plain = noise(size, values);
      std::string packed;
      StringSink sink(packed);
      GzipSink gzip(sink);
      for (std::size_t at = 0; at < size; at += 1000) {
        REQUIRE(gzip.write(plain.data() + at, std::min<std::size_t>(1000, size - at)));
      }
      REQUIRE(gzip.finish());
      CHECK(packed.substr(0, 2) == "\x1f\x8b");
      CHECK(gunzip(packed) == plain);
    }
  }
}

TEST_CASE("one large write is the same as many small ones") {
  const std::string plain = noise(3'000'000, 9);
  std::string packed;
  StringSink sink(packed);
  GzipSink gzip(sink);
  REQUIRE(gzip.write(plain.data(), plain.size()));
  REQUIRE(gzip.finish());
  CHECK(gunzip(packed) == plain);
}

TEST_CASE("a failure behind gzip is reported and final") {
  const std::string plain = noise(200'000, 256);
  for (const std::size_t limit : {0U, 1U, 5000U, 100'000U}) {
    FailingSink failing(limit);
    GzipSink gzip(failing);
    bool written = true;
    for (std::size_t at = 0; at < plain.size() && written; at += 10'000) {
      written = gzip.write(plain.data() + at, 10'000);
    }
    CHECK_FALSE(written);
    CHECK_FALSE(gzip.write("x", 1));
    CHECK_FALSE(gzip.finish());
  }
}

TEST_CASE("nothing follows the trailer") {
  std::string packed;
  StringSink sink(packed);
  GzipSink gzip(sink);
  REQUIRE(gzip.finish());
  CHECK_FALSE(gzip.finish());
  CHECK_FALSE(gzip.write("x", 1));
  CHECK_FALSE(gzip.finish());
  CHECK(gunzip(packed).empty());
}

TEST_CASE("a level that zlib does not know fails instead of crashing") {
  std::string packed;
  StringSink sink(packed);
  GzipSink gzip(sink, 42);
  CHECK_FALSE(gzip.write("x", 1));
  CHECK_FALSE(gzip.finish());
}

}  // namespace
}  // namespace otprof::encoder
