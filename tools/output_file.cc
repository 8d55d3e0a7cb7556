// SPDX-License-Identifier: Apache-2.0
#include "tools/output_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <unistd.h>

#include "tools/input_error.h"

namespace otprof::tools {

void write_file(const std::string& path, std::string_view bytes) {
  const std::string partial = path + ".part-" + std::to_string(getpid());
  errno = 0;
  std::ofstream file(partial, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (file.fail() || std::rename(partial.c_str(), path.c_str()) != 0) {
    const std::string reason = errno != 0 ? std::strerror(errno) : "cannot be written";
    std::remove(partial.c_str());
    throw InputError(path + ": " + reason);
  }
}

}  // namespace otprof::tools
