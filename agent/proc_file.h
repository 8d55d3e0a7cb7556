// SPDX-License-Identifier: Apache-2.0
//
// Reads the small text files of /proc and /sys whole, without iostreams (their start-up cost would
// be paid by every process). Any thread but no signal handler; the descriptor is closed again.
#pragma once

#include <cstddef>
#include <string>

namespace otprof::agent {

// At most `limit` bytes of the file; empty when it cannot be opened or read.
std::string read_small_file(const char* path, std::size_t limit = 65536);

}  // namespace otprof::agent
