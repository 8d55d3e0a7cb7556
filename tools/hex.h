// SPDX-License-Identifier: Apache-2.0
//
// Bytes <-> lower-case hex digits, as trace ids and build ids are written. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace otprof::tools {

std::string to_hex(std::span<const std::uint8_t> bytes);

// False, and `out` untouched, unless `text` is exactly the digits of `out`.
bool parse_hex(std::string_view text, std::span<std::uint8_t> out);

}  // namespace otprof::tools
