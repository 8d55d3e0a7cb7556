// SPDX-License-Identifier: Apache-2.0
#include "tools/wire_reader.h"

#include <cstring>
#include <string>

#include "tools/input_error.h"

namespace otprof::tools {
namespace {

[[noreturn]] void fail_truncated() { throw InputError("not a protobuf message, or cut short"); }

pb_istream_t stream_of(std::string_view bytes) {
  return pb_istream_from_buffer(reinterpret_cast<const pb_byte_t*>(bytes.data()), bytes.size());
}

}  // namespace

WireReader::WireReader(std::string_view message) : message_(message), stream_(stream_of(message)) {}

bool WireReader::next() {
  if (unread_ && !pb_skip_field(&stream_, type_)) fail_truncated();
  unread_ = false;
  bool at_end = false;
  if (!pb_decode_tag(&stream_, &type_, &field_, &at_end)) {
    if (at_end) return false;
    fail_truncated();
  }
  if (field_ == 0) fail_truncated();
  unread_ = true;
  return true;
}

void WireReader::expect(pb_wire_type_t type) {
  if (type_ != type) {
    throw InputError("field " + std::to_string(field_) + " has an unexpected wire type");
  }
  unread_ = false;
}

std::uint64_t WireReader::varint() {
  expect(PB_WT_VARINT);
  std::uint64_t value = 0;
  if (!pb_decode_varint(&stream_, &value)) fail_truncated();
  return value;
}

std::uint64_t WireReader::fixed64() {
  expect(PB_WT_64BIT);
  std::uint64_t value = 0;
  if (!pb_decode_fixed64(&stream_, &value)) fail_truncated();
  return value;
}

double WireReader::float64() {
  const std::uint64_t bits = fixed64();
  double value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

std::string_view WireReader::bytes() {
  expect(PB_WT_STRING);
  std::uint32_t size = 0;
  if (!pb_decode_varint32(&stream_, &size) || size > stream_.bytes_left) fail_truncated();
  const std::string_view view = message_.substr(message_.size() - stream_.bytes_left, size);
  if (!pb_read(&stream_, nullptr, size)) fail_truncated();
  return view;
}

void WireReader::varints(std::vector<std::uint64_t>& out) {
  if (type_ == PB_WT_VARINT) {
    out.push_back(varint());
    return;
  }
  pb_istream_t packed = stream_of(bytes());
  while (packed.bytes_left > 0) {
    std::uint64_t value = 0;
    if (!pb_decode_varint(&packed, &value)) fail_truncated();
    out.push_back(value);
  }
}

void WireReader::fixed64s(std::vector<std::uint64_t>& out) {
  if (type_ == PB_WT_64BIT) {
    out.push_back(fixed64());
    return;
  }
  pb_istream_t packed = stream_of(bytes());
  while (packed.bytes_left > 0) {
    std::uint64_t value = 0;
    if (!pb_decode_fixed64(&packed, &value)) fail_truncated();
    out.push_back(value);
  }
}

}  // namespace otprof::tools
