// SPDX-License-Identifier: Apache-2.0
// Runs in signal handlers and malloc hooks. Calls: none.
#include "agent/unwind/byte_reader.h"

namespace otprof::unwind {
namespace {

constexpr unsigned kMaxLebBits = 70;  // ten groups of seven hold any 64-bit number

}  // namespace

std::uint64_t ByteReader::long_uleb() noexcept {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < kMaxLebBits; shift += 7) {
    if (at_end()) break;
    const std::uint8_t byte = *position_++;
    value |= shift < 64 ? static_cast<std::uint64_t>(byte & 0x7f) << shift : 0;
    if ((byte & 0x80) == 0) return value;
  }
  return fail<std::uint64_t>();
}

std::int64_t ByteReader::sleb() noexcept {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < kMaxLebBits; shift += 7) {
    if (at_end()) break;
    const std::uint8_t byte = *position_++;
    value |= shift < 64 ? static_cast<std::uint64_t>(byte & 0x7f) << shift : 0;
    if ((byte & 0x80) == 0) {
      const bool negative = (byte & 0x40) != 0;
      if (negative && shift + 7 < 64) value |= ~std::uint64_t{0} << (shift + 7);
      return static_cast<std::int64_t>(value);
    }
  }
  return fail<std::int64_t>();
}

std::uint64_t ByteReader::pointer_value(std::uint8_t encoding) noexcept {
  if (encoding == kPointerOmitted) return 0;
  if (encoding == kPointerAligned) {
    const std::uint64_t misaligned = reinterpret_cast<std::uintptr_t>(position_) % 8;
    take((8 - misaligned) % 8);
    return u64();
  }
  switch (encoding & kPointerFormatMask) {
    case kPointerAbsolute:
    case kPointerUdata8:
    case kPointerSdata8: return u64();
    case kPointerUleb: return uleb();
    case kPointerSleb: return static_cast<std::uint64_t>(sleb());
    case kPointerUdata2: return u16();
    case kPointerUdata4: return u32();
    case kPointerSdata2: return static_cast<std::uint64_t>(std::int64_t{fixed<std::int16_t>()});
    case kPointerSdata4: return static_cast<std::uint64_t>(std::int64_t{fixed<std::int32_t>()});
    default: return fail<std::uint64_t>();
  }
}

std::uint64_t ByteReader::pointer(std::uint8_t encoding, std::uint64_t data_base) noexcept {
  if (encoding == kPointerOmitted || (encoding & kPointerIndirect) != 0) {
    return fail<std::uint64_t>();
  }
  const std::uint64_t own_address = reinterpret_cast<std::uintptr_t>(position_);
  const std::uint64_t value = pointer_value(encoding);
  switch (encoding & kPointerBaseMask) {
    case 0:
    case kPointerAligned: return value;
    case kPointerPcRelative: return own_address + value;
    case kPointerDataRelative: return data_base + value;
    default: return fail<std::uint64_t>();
  }
}

}  // namespace otprof::unwind
