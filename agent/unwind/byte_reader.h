// SPDX-License-Identifier: Apache-2.0
//
// A cursor over DWARF bytes that cannot leave its span. The first read past the end, malformed LEB128
// or unsupported pointer encoding makes it fail for good: every later read yields 0 and ok() is false,
// so a parser checks once at the end of a group of reads.
// Usable from a signal handler and a malloc hook; calls nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace otprof::unwind {

using Bytes = std::span<const std::uint8_t>;

// DW_EH_PE_*: how a pointer in .eh_frame and .eh_frame_hdr is stored (LSB 5.0, 10.5.1).
// Low nibble: format; bits 4-6: what it is relative to; bit 7: the address of the value.
enum PointerEncoding : std::uint8_t {
  kPointerAbsolute = 0x00,
  kPointerUleb = 0x01,
  kPointerUdata2 = 0x02,
  kPointerUdata4 = 0x03,
  kPointerUdata8 = 0x04,
  kPointerSleb = 0x09,
  kPointerSdata2 = 0x0a,
  kPointerSdata4 = 0x0b,
  kPointerSdata8 = 0x0c,
  kPointerFormatMask = 0x0f,
  kPointerPcRelative = 0x10,
  kPointerDataRelative = 0x30,
  kPointerFunctionRelative = 0x40,
  kPointerAligned = 0x50,
  kPointerBaseMask = 0x70,
  kPointerIndirect = 0x80,
  kPointerOmitted = 0xff,
};

class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) noexcept
      : position_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool ok() const noexcept { return ok_; }
  bool at_end() const noexcept { return position_ == end_; }
  const std::uint8_t* position() const noexcept { return position_; }
  Bytes rest() const noexcept { return {position_, static_cast<std::size_t>(end_ - position_)}; }

  template <typename T>
  T fixed() noexcept {
    if (rest().size() < sizeof(T)) return fail<T>();
    T value;
    std::memcpy(&value, position_, sizeof(T));
    position_ += sizeof(T);
    return value;
  }
  std::uint8_t u8() noexcept { return fixed<std::uint8_t>(); }
  std::uint16_t u16() noexcept { return fixed<std::uint16_t>(); }
  std::uint32_t u32() noexcept { return fixed<std::uint32_t>(); }
  std::uint64_t u64() noexcept { return fixed<std::uint64_t>(); }

  // LEB128 of at most 10 bytes (64 bits); longer ones fail, so that padding cannot be endless.
  std::uint64_t uleb() noexcept {
    // Nearly all are one byte long.
    if (position_ != end_ && *position_ < 0x80) return *position_++;
    return long_uleb();
  }
  std::int64_t sleb() noexcept;

  // The next `size` bytes, which are skipped here. Empty on failure.
  Bytes take(std::uint64_t size) noexcept {
    if (size > rest().size()) return fail<Bytes>();
    const Bytes taken{position_, static_cast<std::size_t>(size)};
    position_ += size;
    return taken;
  }

  // A pointer in `encoding`. `data_base` is what datarel is relative to (.eh_frame_hdr's start).
  // Indirect ones fail: following them would read writable memory of the module.
  std::uint64_t pointer(std::uint8_t encoding, std::uint64_t data_base) noexcept;
  // The stored number alone, with nothing added: for ranges and for pointers that are passed over.
  std::uint64_t pointer_value(std::uint8_t encoding) noexcept;

 private:
  std::uint64_t long_uleb() noexcept;

  template <typename T>
  T fail() noexcept {
    ok_ = false;
    position_ = end_;
    return T{};
  }

  const std::uint8_t* position_;
  const std::uint8_t* end_;
  bool ok_ = true;
};

}  // namespace otprof::unwind
