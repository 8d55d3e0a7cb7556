// SPDX-License-Identifier: Apache-2.0
//
// Files that are either complete or not there. Any thread.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace otprof::tools {

// What cannot be written, and why, in one line.
class OutputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Replaces a regular file; only its owner may read it. OutputError.
void write_file(const std::string& path, std::string_view bytes);

// Makes a directory, and those above it, unless it is there. OutputError.
void make_directory(const std::string& path);

}  // namespace otprof::tools
