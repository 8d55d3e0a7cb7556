// SPDX-License-Identifier: Apache-2.0
#include "transport/response.h"

#include <algorithm>

namespace otprof::transport {

namespace {

constexpr std::size_t kMaxPrintable = 200;

enum WireType : unsigned { kVarint = 0, kFixed64 = 1, kLengthDelimited = 2, kFixed32 = 5 };

// Walks the fields of one message. `ok()` tells afterwards whether it ended exactly at the end.
class FieldReader {
 public:
  explicit FieldReader(std::string_view bytes) : rest_(bytes) {}

  bool next() {
    if (rest_.empty() || !ok_) return false;
    std::uint64_t tag = 0;
    if (!read_varint(tag)) return fail();
    number = static_cast<std::uint32_t>(tag >> 3);
    type = static_cast<unsigned>(tag & 7);
    // Field numbers are 1 to 2^29 - 1.
    if (number == 0 || tag >> 32 != 0) return fail();
    switch (type) {
      case kVarint: return read_varint(value) || fail();
      case kFixed64: return take(8);
      case kLengthDelimited: {
        std::uint64_t length = 0;
        return read_varint(length) ? take(length) : fail();
      }
      case kFixed32: return take(4);
      default: return fail();  // groups are not used by either message
    }
  }

  bool ok() const { return ok_; }

  std::uint32_t number = 0;
  unsigned type = 0;
  std::uint64_t value = 0;   // kVarint
  std::string_view payload;  // every other type

 private:
  bool fail() {
    ok_ = false;
    return false;
  }

  bool take(std::uint64_t length) {
    if (length > rest_.size()) return fail();
    payload = rest_.substr(0, static_cast<std::size_t>(length));
    rest_.remove_prefix(static_cast<std::size_t>(length));
    return true;
  }

  bool read_varint(std::uint64_t& result) {
    result = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      result |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return shift < 63 || byte <= 1;
    }
    return false;
  }

  std::string_view rest_;
  bool ok_ = true;
};

bool read_partial_success(std::string_view bytes, PartialSuccess& result) {
  FieldReader field(bytes);
  while (field.next()) {
    if (field.number == 1 && field.type == kVarint) {
      result.rejected_profiles = std::max<std::int64_t>(0, static_cast<std::int64_t>(field.value));
    } else if (field.number == 2 && field.type == kLengthDelimited) {
      result.error_message = field.payload;
    }
  }
  return field.ok();
}

}  // namespace

std::optional<PartialSuccess> decode_export_response(std::string_view bytes) {
  PartialSuccess result;
  FieldReader field(bytes);
  while (field.next()) {
    if (field.number != 1 || field.type != kLengthDelimited) continue;
    if (!read_partial_success(field.payload, result)) return std::nullopt;
  }
  if (!field.ok()) return std::nullopt;
  return result;
}

std::optional<std::string_view> decode_status_message(std::string_view bytes) {
  std::string_view message;
  FieldReader field(bytes);
  while (field.next()) {
    if (field.number == 2 && field.type == kLengthDelimited) message = field.payload;
  }
  if (!field.ok() || message.empty()) return std::nullopt;
  return message;
}

std::string printable(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (result.size() == kMaxPrintable) break;
    if (c > ' ' && c < 0x7f) {
      result += c;
    } else if (!result.empty() && result.back() != ' ') {
      result += ' ';
    }
  }
  while (!result.empty() && result.back() == ' ') result.pop_back();
  return result;
}

}  // namespace otprof::transport
