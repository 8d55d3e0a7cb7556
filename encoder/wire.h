// SPDX-License-Identifier: Apache-2.0
//
// nanopb, as the two encoders use it: a stream in front of a ByteSink, and callbacks for the fields
// whose size nanopb cannot know.
//
// A callback runs twice, once on a stream that only counts (a nested message is preceded by its
// size) and once on the one that writes, and must produce the same bytes both times. pb_callback_t
// holds a reference to the callable, which must outlive the call of pb_encode().
// One thread at a time.
#pragma once

#include <pb_encode.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "encoder/byte_sink.h"

namespace otprof::encoder {

// Collects what nanopb writes, a few bytes at a time, into 4 KiB pieces for the sink.
class SinkStream {
 public:
  explicit SinkStream(ByteSink& sink);
  SinkStream(const SinkStream&) = delete;
  SinkStream& operator=(const SinkStream&) = delete;

  // Encodes one whole message; false when the sink failed.
  bool encode(const pb_msgdesc_t* fields, const void* message);

 private:
  static bool write(pb_ostream_t* stream, const pb_byte_t* bytes, std::size_t size);
  bool flush();

  ByteSink& sink_;
  pb_ostream_t stream_{};
  std::size_t used_ = 0;
  std::array<pb_byte_t, 4096> stage_;
};

// Callable: bool(pb_ostream_t*, const pb_field_t*).
template <class Callable>
pb_callback_t field_callback(Callable& callable) {
  pb_callback_t callback{};
  callback.arg = &callable;
  callback.funcs.encode = [](pb_ostream_t* stream, const pb_field_t* field, void* const* arg) {
    return (*static_cast<Callable*>(*arg))(stream, field);
  };
  return callback;
}

constexpr std::size_t varint_size(std::uint64_t value) {
  std::size_t size = 1;
  for (; value >= 0x80; value >>= 7) ++size;
  return size;
}

// Bytes of a nested message or string with its key (field numbers below 16) and length.
constexpr std::size_t field_size(std::size_t length) { return 1 + varint_size(length) + length; }

inline pb_byte_t* put_varint(pb_byte_t* at, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) *at++ = static_cast<pb_byte_t>(value | 0x80);
  *at++ = static_cast<pb_byte_t>(value);
  return at;
}

// A repeated integer field, packed: written once for each message, because a receiver may let a
// second chunk replace the first; nothing at all when there are no items.
// Transform: uint64(item).
template <class Item, class Transform>
bool encode_packed(pb_ostream_t* stream, const pb_field_t* field, std::span<const Item> items,
                   const Transform& transform) {
  if (items.empty()) return true;
  std::size_t size = 0;
  for (const Item& item : items) size += varint_size(transform(item));
  if (!pb_encode_tag(stream, PB_WT_STRING, field->tag) || !pb_encode_varint(stream, size)) {
    return false;
  }
  if (stream->callback == nullptr) return pb_write(stream, nullptr, size);
  constexpr std::size_t kLongestVarint = 10;
  std::array<pb_byte_t, 256> piece;
  pb_byte_t* at = piece.data();
  for (const Item& item : items) {
    at = put_varint(at, transform(item));
    if (static_cast<std::size_t>(at - piece.data()) + kLongestVarint > piece.size()) {
      if (!pb_write(stream, piece.data(), static_cast<std::size_t>(at - piece.data())))
        return false;
      at = piece.data();
    }
  }
  return pb_write(stream, piece.data(), static_cast<std::size_t>(at - piece.data()));
}

// A string or bytes field, empty included (for repeated fields and values that are set).
bool encode_string(pb_ostream_t* stream, const pb_field_t* field, std::string_view text);

// A nested message that has no message inside, or only small ones: nanopb sizes it, then writes it.
bool encode_message(pb_ostream_t* stream, const pb_field_t* field, const pb_msgdesc_t* fields,
                    const void* message);

// A nested message whose size is known, so that deep nesting does not size the innermost messages
// once for each level around them.
bool encode_sized_message(pb_ostream_t* stream, const pb_field_t* field, const pb_msgdesc_t* fields,
                          const void* message, std::size_t size);

}  // namespace otprof::encoder
