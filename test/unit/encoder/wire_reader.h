// SPDX-License-Identifier: Apache-2.0
//
// Reads protobuf bytes without any knowledge of the messages and without nanopb, so that a test does
// not believe the encoder's own tables. Throws std::runtime_error on malformed input.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace otprof::test {

struct WireField {
  std::uint32_t number = 0;
  std::uint32_t wire_type = 0;  // 0 varint, 1 fixed64, 2 length-delimited
  std::uint64_t number_value = 0;
  std::string bytes;
};

class WireMessage {
 public:
  explicit WireMessage(std::string_view bytes) {
    while (!bytes.empty()) fields_.push_back(take_field(bytes));
  }

  const std::vector<WireField>& fields() const { return fields_; }

  std::vector<WireField> all(std::uint32_t number) const {
    std::vector<WireField> found;
    for (const WireField& field : fields_) {
      if (field.number == number) found.push_back(field);
    }
    return found;
  }
  bool has(std::uint32_t number) const { return !all(number).empty(); }

  // Of a field that occurs at most once.
  std::uint64_t number(std::uint32_t field) const {
    const WireField* const one = single(field);
    return one == nullptr ? 0 : one->number_value;
  }
  std::string bytes(std::uint32_t field) const {
    const WireField* const one = single(field);
    return one == nullptr ? std::string{} : one->bytes;
  }
  WireMessage message(std::uint32_t field) const { return WireMessage(bytes(field)); }
  std::vector<WireMessage> messages(std::uint32_t field) const {
    std::vector<WireMessage> found;
    for (const WireField& each : all(field)) found.emplace_back(each.bytes);
    return found;
  }
  std::vector<std::uint64_t> packed_varints(std::uint32_t field) const {
    std::vector<std::uint64_t> values;
    const std::string chunk = bytes(field);
    for (std::string_view rest = chunk; !rest.empty();) values.push_back(take_varint(rest));
    return values;
  }
  std::vector<std::uint64_t> packed_fixed64(std::uint32_t field) const {
    std::vector<std::uint64_t> values;
    const std::string chunk = bytes(field);
    for (std::string_view rest = chunk; !rest.empty();) values.push_back(take_fixed64(rest));
    return values;
  }

 private:
  const WireField* single(std::uint32_t number) const {
    const WireField* found = nullptr;
    for (const WireField& field : fields_) {
      if (field.number != number) continue;
      if (found != nullptr) throw std::runtime_error("field occurs twice");
      found = &field;
    }
    return found;
  }

  static std::uint64_t take_varint(std::string_view& bytes) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::string_view byte = take(bytes, 1);
      const auto bits = static_cast<unsigned char>(byte[0]);
      value |= std::uint64_t{bits & 0x7FU} << shift;
      if (bits < 0x80) return value;
    }
    throw std::runtime_error("varint too long");
  }
  static std::uint64_t take_fixed64(std::string_view& bytes) {
    std::uint64_t value = 0;
    const std::string_view eight = take(bytes, 8);
    for (unsigned i = 0; i < 8; ++i) {
      value |= std::uint64_t{static_cast<unsigned char>(eight[i])} << (8 * i);
    }
    return value;
  }
  static std::string_view take(std::string_view& bytes, std::uint64_t size) {
    if (size > bytes.size()) throw std::runtime_error("message ends early");
    const std::string_view taken = bytes.substr(0, size);
    bytes.remove_prefix(size);
    return taken;
  }
  static WireField take_field(std::string_view& bytes) {
    WireField field;
    const std::uint64_t key = take_varint(bytes);
    field.number = static_cast<std::uint32_t>(key >> 3);
    field.wire_type = static_cast<std::uint32_t>(key & 7);
    switch (field.wire_type) {
      case 0: field.number_value = take_varint(bytes); break;
      case 1: field.number_value = take_fixed64(bytes); break;
      case 2: field.bytes = take(bytes, take_varint(bytes)); break;
      default: throw std::runtime_error("wire type that we never write");
    }
    return field;
  }

  std::vector<WireField> fields_;
};

}  // namespace otprof::test
