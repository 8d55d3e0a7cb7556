// SPDX-License-Identifier: Apache-2.0
//
// One protobuf message, read field by field without generated code: the readers below need each
// nested message only as a view of its bytes until the tables it refers to are known.
//
// Promises: every view lies inside the bytes given to the constructor; bytes that are not protobuf,
// a known field of another wire type and a length past the end all throw InputError; an unknown
// field is skipped. Any thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <pb_decode.h>

namespace otprof::tools {

class WireReader {
 public:
  explicit WireReader(std::string_view message);

  // Moves to the next field, past the value of this one if it was not read. False at the end.
  bool next();
  std::uint32_t field() const { return field_; }

  // The value of the current field; each may be called once per field.
  std::uint64_t varint();
  std::int64_t int64() { return static_cast<std::int64_t>(varint()); }
  std::uint64_t fixed64();
  double float64();
  std::string_view bytes();
  // A repeated scalar, packed or one by one, appended to `out`.
  void varints(std::vector<std::uint64_t>& out);
  void fixed64s(std::vector<std::uint64_t>& out);

 private:
  void expect(pb_wire_type_t type);

  std::string_view message_;
  pb_istream_t stream_;
  std::uint32_t field_ = 0;
  pb_wire_type_t type_ = PB_WT_VARINT;
  bool unread_ = false;
};

}  // namespace otprof::tools
