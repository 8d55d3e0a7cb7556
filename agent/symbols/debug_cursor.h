// SPDX-License-Identifier: Apache-2.0
//
// Reads a DWARF section forwards through a buffer of its own: fixed-size numbers, LEB128, strings.
//
// Promises: nothing is read outside [begin, limit); after the first failed read ok() is false for
// good, every further read gives 0 and at_end() is true, so that loops end. One thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "agent/symbols/debug_sections.h"

namespace otprof::symbols {

class DebugCursor {
 public:
  // `sections` must outlive the cursor. `limit` beyond the section's end is cut.
  DebugCursor(DebugSections& sections, DebugSection id, std::uint64_t begin,
              std::uint64_t limit = UINT64_MAX);

  bool ok() const { return ok_; }
  // Offset in the section.
  std::uint64_t position() const { return buffer_start_ + next_; }
  std::uint64_t limit() const { return limit_; }
  bool at_end() const { return !ok_ || position() >= limit_; }

  std::uint8_t u8() {
    if (next_ == filled_ && !refill()) return 0;
    return buffer_[next_++];
  }
  std::uint16_t u16() { return fixed<std::uint16_t>(); }
  std::uint32_t u32() { return fixed<std::uint32_t>(); }
  std::uint64_t u64() { return fixed<std::uint64_t>(); }
  // A number of 1 to 8 bytes.
  std::uint64_t number(std::size_t bytes);
  std::uint64_t uleb();
  std::int64_t sleb();
  // An offset of the 32-bit or 64-bit format.
  std::uint64_t offset(std::uint8_t size) { return size == 8 ? u64() : u32(); }
  // The length that begins a unit; `offset_size` becomes 4 or 8.
  std::uint64_t initial_length(std::uint8_t& offset_size);

  // Charges the budget for work of which the bytes read are no measure.
  bool charge(std::uint64_t steps);
  void skip(std::uint64_t bytes);
  void skip_string();
  // Anywhere before the limit.
  void seek(std::uint64_t position);
  // Up to NUL; of a longer one the first `max` bytes. The cursor is then behind its NUL only if it
  // was not cut.
  std::string string(std::size_t max);

 private:
  template <class T>
  T fixed() {
    T value{};
    if (filled_ - next_ >= sizeof value) {
      std::memcpy(&value, buffer_.data() + next_, sizeof value);
      next_ += sizeof value;
      return value;
    }
    return static_cast<T>(number(sizeof value));
  }
  bool refill();
  void fail();

  // A first read is small: many cursors look at one entry only.
  static constexpr std::size_t kFirstRead = 128;

  DebugSections& sections_;
  DebugSection id_;
  bool ok_ = true;
  std::uint64_t limit_;
  std::uint64_t buffer_start_;
  std::size_t next_ = 0;
  std::size_t filled_ = 0;
  std::size_t next_read_ = kFirstRead;
  std::array<unsigned char, 8192> buffer_;
};

}  // namespace otprof::symbols
