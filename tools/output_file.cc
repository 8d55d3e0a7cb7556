// SPDX-License-Identifier: Apache-2.0
#include "tools/output_file.h"

#include <filesystem>

#include "transport/profile_file.h"

namespace otprof::tools {

void write_file(const std::string& path, std::string_view bytes) {
  const std::size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  std::string error;
  if (!transport::write_file_atomically(directory, name, bytes, error)) throw OutputError(error);
}

void make_directory(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) throw OutputError(path + ": " + error.message());
}

}  // namespace otprof::tools
