// SPDX-License-Identifier: Apache-2.0
//
// Files that are either complete or not there. Any thread.
#pragma once

#include <string>
#include <string_view>

namespace otprof::tools {

// Writes a temporary file beside `path` and renames it. InputError names the path and the reason.
void write_file(const std::string& path, std::string_view bytes);

}  // namespace otprof::tools
