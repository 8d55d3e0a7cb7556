// SPDX-License-Identifier: Apache-2.0
//
// Whole gzip files in memory. Any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace otprof::tools {

bool is_gzip(std::string_view bytes);

std::string gzip(std::string_view bytes);

// The content of a gzip file (also of several, one after the other). InputError if it is damaged,
// incomplete or longer than `limit`.
std::string gunzip(std::string_view bytes, std::size_t limit);

}  // namespace otprof::tools
