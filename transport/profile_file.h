// SPDX-License-Identifier: Apache-2.0
//
// Writes one finished file so that readers see it whole or not at all: a temporary name in the same
// directory, O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode 0600, then rename(2). On failure the temporary is removed.
// Background thread only (its file descriptors are private).
#pragma once

#include <string>
#include <string_view>

namespace otprof::transport {

// Replaces a regular file of that name. False with `error` ("DIR/x: No space left on device").
bool write_file_atomically(const std::string& directory, const std::string& name,
                           std::string_view bytes, std::string& error);

}  // namespace otprof::transport
