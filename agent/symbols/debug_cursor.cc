// SPDX-License-Identifier: Apache-2.0
#include "agent/symbols/debug_cursor.h"

#include <algorithm>

namespace otprof::symbols {

DebugCursor::DebugCursor(DebugSections& sections, DebugSection id, std::uint64_t begin,
                         std::uint64_t limit)
    : sections_(sections),
      id_(id),
      limit_(std::min(limit, sections.size(id))),
      buffer_start_(begin) {
  if (begin > limit_) fail();
}

void DebugCursor::fail() {
  ok_ = false;
  next_ = filled_ = 0;
  buffer_start_ = limit_;
}

bool DebugCursor::refill() {
  if (!ok_) return false;
  buffer_start_ += filled_;
  const std::size_t size = std::min<std::uint64_t>(next_read_, limit_ - buffer_start_);
  next_ = filled_ = 0;
  if (size == 0 || !sections_.read(id_, buffer_start_, buffer_.data(), size)) {
    fail();
    return false;
  }
  filled_ = size;
  next_read_ = std::min(next_read_ * 4, buffer_.size());
  return true;
}

std::uint64_t DebugCursor::number(std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value |= std::uint64_t{u8()} << (8 * i);
  return ok_ ? value : 0;
}

// Bits beyond the 64th are dropped: padding is legal, and larger values are garbage either way.
std::uint64_t DebugCursor::uleb() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; ok_; shift += 7) {
    const std::uint8_t byte = u8();
    if (shift < 64) value |= std::uint64_t{byte & 0x7FU} << shift;
    if ((byte & 0x80U) == 0) break;
  }
  return ok_ ? value : 0;
}

std::int64_t DebugCursor::sleb() {
  std::uint64_t value = 0;
  unsigned shift = 0;
  std::uint8_t byte = 0x80;
  while (ok_ && (byte & 0x80U) != 0) {
    byte = u8();
    if (shift < 64) value |= std::uint64_t{byte & 0x7FU} << shift;
    shift += 7;
  }
  if (shift < 64 && (byte & 0x40U) != 0) value |= ~std::uint64_t{0} << shift;
  return ok_ ? static_cast<std::int64_t>(value) : 0;
}

std::uint64_t DebugCursor::initial_length(std::uint8_t& offset_size) {
  constexpr std::uint32_t kFirstReserved = 0xFFFFFFF0;
  constexpr std::uint32_t kDwarf64 = 0xFFFFFFFF;
  offset_size = 4;
  const std::uint32_t length = u32();
  if (length < kFirstReserved) return length;
  offset_size = 8;
  if (length != kDwarf64) fail();
  return u64();
}

bool DebugCursor::charge(std::uint64_t steps) {
  if (ok_ && !sections_.budget().take(steps)) fail();
  return ok_;
}

void DebugCursor::skip(std::uint64_t bytes) {
  if (bytes <= filled_ - next_) {
    next_ += static_cast<std::size_t>(bytes);
  } else if (bytes > limit_ - position()) {
    fail();
  } else {
    seek(position() + bytes);
  }
}

void DebugCursor::seek(std::uint64_t position) {
  if (!ok_) return;
  if (position >= buffer_start_ && position - buffer_start_ <= filled_) {
    next_ = static_cast<std::size_t>(position - buffer_start_);
  } else if (position > limit_) {
    fail();
  } else {
    buffer_start_ = position;
    next_ = filled_ = 0;
    next_read_ = std::min(next_read_, kFirstRead * 4);
  }
}

void DebugCursor::skip_string() {
  while (ok_ && u8() != 0) {
  }
}

std::string DebugCursor::string(std::size_t max) {
  std::string text;
  while (ok_ && text.size() < max) {
    const auto byte = static_cast<char>(u8());
    if (byte == '\0') break;
    text += byte;
  }
  return ok_ ? text : std::string();
}

}  // namespace otprof::symbols
