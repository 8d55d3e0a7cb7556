// SPDX-License-Identifier: Apache-2.0
//
// Protobuf strings must be valid UTF-8, or a receiver rejects the whole message; names in a process
// (threads, files, symbols) are arbitrary bytes.
// Pure functions; sanitise_utf8 allocates.
#pragma once

#include <string>
#include <string_view>

namespace otprof::encoder {

// Well-formed as in the Unicode standard, table 3-7: no overlong forms, no surrogates, nothing above
// U+10FFFF.
bool is_utf8(std::string_view text);

// `text` with each byte that is part of no well-formed sequence replaced by U+FFFD.
std::string sanitise_utf8(std::string_view text);

}  // namespace otprof::encoder
