// SPDX-License-Identifier: Apache-2.0
//
// Writes one finished file so that readers see it whole or not at all: it gets its name when it is
// whole (O_TMPFILE, linkat), so that a process that ends meanwhile leaves nothing behind. Where that is
// not possible, and to replace a file: a temporary name in the same directory, O_EXCL | O_NOFOLLOW |
// O_CLOEXEC, then rename(2); on failure the temporary is removed. Mode 0600 either way.
// Background thread only (its file descriptors are private).
#pragma once

#include <string>
#include <string_view>

namespace otprof::transport {

// Replaces a regular file of that name. False with `error` ("DIR/x: No space left on device").
bool write_file_atomically(const std::string& directory, const std::string& name,
                           std::string_view bytes, std::string& error);

}  // namespace otprof::transport
