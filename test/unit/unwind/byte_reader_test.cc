// SPDX-License-Identifier: Apache-2.0
#include "agent/unwind/byte_reader.h"

#include <catch2/catch.hpp>
#include <vector>

namespace otprof::unwind {

namespace {

using Buffer = std::vector<std::uint8_t>;

std::uint64_t address(const std::uint8_t* byte) { return reinterpret_cast<std::uintptr_t>(byte); }

// Not inlined, or the compiler warns of reads that the reader's own check prevents.
[[gnu::noinline]] Buffer one_to_nine() { return {1, 2, 3, 4, 5, 6, 7, 8, 9}; }
[[gnu::noinline]] std::uint64_t read_pointer(Bytes bytes, int encoding) {
  return ByteReader(bytes).pointer(static_cast<std::uint8_t>(encoding), 0x1000);
}

}  // namespace

TEST_CASE("fixed-size numbers are little-endian and bounded") {
  const Buffer bytes = one_to_nine();
  ByteReader reader(bytes);
  CHECK(reader.u16() == 0x0201);
  CHECK(reader.u32() == 0x06050403);
  CHECK(reader.u8() == 7);
  CHECK(reader.ok());
  CHECK(reader.u32() == 0);
  CHECK_FALSE(reader.ok());
}

TEST_CASE("a failed reader stays failed and yields zeros") {
  const Buffer bytes = {0x80, 0x80};
  ByteReader reader(bytes);
  CHECK(reader.uleb() == 0);
  CHECK_FALSE(reader.ok());
  CHECK(reader.at_end());
  CHECK(reader.u8() == 0);
  CHECK_FALSE(reader.ok());
}

TEST_CASE("LEB128") {
  const auto uleb = [](Buffer bytes) { return ByteReader(bytes).uleb(); };
  const auto sleb = [](Buffer bytes) { return ByteReader(bytes).sleb(); };
  CHECK(uleb({0x7f}) == 127);
  CHECK(uleb({0xe5, 0x8e, 0x26}) == 624485);
  CHECK(uleb({0x80, 0x80, 0x00}) == 0);  // padded
  CHECK(uleb({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}) == UINT64_MAX);
  CHECK(sleb({0x7f}) == -1);
  CHECK(sleb({0x3f}) == 63);
  CHECK(sleb({0x40}) == -64);
  CHECK(sleb({0xc0, 0xbb, 0x78}) == -123456);
  CHECK(sleb({0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f}) == INT64_MIN);
}

TEST_CASE("an endless LEB128 fails after ten bytes") {
  const Buffer bytes(1000, 0x80);
  ByteReader unsigned_reader(bytes);
  unsigned_reader.uleb();
  CHECK_FALSE(unsigned_reader.ok());
  ByteReader signed_reader(bytes);
  signed_reader.sleb();
  CHECK_FALSE(signed_reader.ok());
}

TEST_CASE("a block must lie within the span") {
  const Buffer bytes = {1, 2, 3};
  ByteReader reader(bytes);
  CHECK(reader.take(2).size() == 2);
  CHECK(reader.u8() == 3);
  CHECK(reader.take(0).empty());
  CHECK(reader.ok());
  CHECK(ByteReader(bytes).take(UINT64_MAX).empty());
}

TEST_CASE("pointer encodings") {
  const Buffer bytes = {0xfe, 0xff, 0xff, 0xff, 0, 0, 0, 0, 1};
  const std::uint64_t own = address(bytes.data());
  const auto read = [&](int encoding) { return read_pointer(bytes, encoding); };
  CHECK(read(kPointerAbsolute) == 0xfffffffe);
  CHECK(read(kPointerUdata4) == 0xfffffffe);
  CHECK(read(kPointerUdata2) == 0xfffe);
  CHECK(read(kPointerSdata2) == UINT64_MAX - 1);
  CHECK(read(kPointerPcRelative | kPointerSdata4) == own - 2);
  CHECK(read(kPointerDataRelative | kPointerSdata4) == 0x1000 - 2);
  CHECK(read(kPointerDataRelative | kPointerUdata8) == 0x1000 + 0xfffffffeULL);
}

TEST_CASE("pointer encodings that are refused") {
  const Buffer bytes(16, 1);
  for (const int encoding :
       {int{kPointerOmitted}, kPointerIndirect | kPointerPcRelative | kPointerSdata4,
        kPointerFunctionRelative | kPointerSdata4, 0x20 | kPointerSdata4, 0x05, 0x0f}) {
    ByteReader reader(bytes);
    reader.pointer(static_cast<std::uint8_t>(encoding), 0);
    CHECK_FALSE(reader.ok());
  }
}

TEST_CASE("an aligned pointer skips to a multiple of eight") {
  alignas(8) std::uint8_t bytes[24] = {};
  bytes[8] = 42;
  ByteReader reader(Bytes(bytes).subspan(3));
  CHECK(reader.pointer(kPointerAligned, 0) == 42);
  CHECK(reader.position() == bytes + 16);
}

}  // namespace otprof::unwind
