// SPDX-License-Identifier: Apache-2.0
//
// Protobuf bytes put together by hand, correct or not, for the tests of the readers.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace otprof::test {

inline std::string varint(std::uint64_t value) {
  std::string out;
  for (; value > 0x7f; value >>= 7U) out += static_cast<char>((value & 0x7fU) | 0x80U);
  return out += static_cast<char>(value);
}

inline std::string number(unsigned field, std::uint64_t value) {
  return varint(field << 3U) + varint(value);
}

inline std::string message(unsigned field, std::string_view body) {
  return varint((field << 3U) | 2U) + varint(body.size()) + std::string(body);
}

inline std::string packed(unsigned field, std::initializer_list<std::uint64_t> values) {
  std::string body;
  for (const std::uint64_t value : values) body += varint(value);
  return message(field, body);
}

inline std::string fixed64_bytes(std::uint64_t value) {
  std::string out;
  for (unsigned shift = 0; shift < 64; shift += 8)
    out += static_cast<char>((value >> shift) & 0xffU);
  return out;
}

inline std::string fixed64(unsigned field, std::uint64_t value) {
  return varint((field << 3U) | 1U) + fixed64_bytes(value);
}

}  // namespace otprof::test
