// SPDX-License-Identifier: Apache-2.0
#include "encoder/wire.h"

#include <cstring>

namespace otprof::encoder {

SinkStream::SinkStream(ByteSink& sink) : sink_(sink) {
  stream_.callback = write;
  stream_.state = this;
  stream_.max_size = SIZE_MAX;
}

bool SinkStream::encode(const pb_msgdesc_t* fields, const void* message) {
  return pb_encode(&stream_, fields, message) && flush();
}

bool SinkStream::write(pb_ostream_t* stream, const pb_byte_t* bytes, std::size_t size) {
  auto* const self = static_cast<SinkStream*>(stream->state);
  if (size > self->stage_.size() - self->used_) {
    if (!self->flush()) return false;
    if (size > self->stage_.size()) return self->sink_.write(bytes, size);
  }
  std::memcpy(self->stage_.data() + self->used_, bytes, size);
  self->used_ += size;
  return true;
}

bool SinkStream::flush() {
  if (used_ == 0) return true;
  const std::size_t size = used_;
  used_ = 0;
  return sink_.write(stage_.data(), size);
}

bool encode_string(pb_ostream_t* stream, const pb_field_t* field, std::string_view text) {
  return pb_encode_tag(stream, PB_WT_STRING, field->tag) &&
         pb_encode_string(stream, reinterpret_cast<const pb_byte_t*>(text.data()), text.size());
}

bool encode_message(pb_ostream_t* stream, const pb_field_t* field, const pb_msgdesc_t* fields,
                    const void* message) {
  return pb_encode_tag(stream, PB_WT_STRING, field->tag) &&
         pb_encode_submessage(stream, fields, message);
}

bool encode_sized_message(pb_ostream_t* stream, const pb_field_t* field, const pb_msgdesc_t* fields,
                          const void* message, std::size_t size) {
  if (!pb_encode_tag(stream, PB_WT_STRING, field->tag) || !pb_encode_varint(stream, size)) {
    return false;
  }
  if (stream->callback == nullptr) return pb_write(stream, nullptr, size);
  return pb_encode(stream, fields, message);
}

}  // namespace otprof::encoder
