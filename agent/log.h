// SPDX-License-Identifier: Apache-2.0
//
// The agent's messages to the person who runs the program: one line each, prefixed "otprof:", to
// standard error or OTPROF_LOG_FILE, never to standard output.
//
// Promises: a line is written whole, by one write(2); nothing is ever written into a file the host
// has since opened under descriptor 2 (the file is recognised by device and inode); a message that
// cannot be written is counted. The host's descriptor table is not changed.
// The constructor before the background thread runs, and the background thread from then on: one
// thread at a time. Not from a signal handler or a malloc hook.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/options.h"

namespace otprof::agent {

// Remembers what descriptor 2 is now. `file`: empty for standard error.
void open_log(LogLevel level, std::string_view file);
// From now on descriptors are those of a private table: standard error is reached through the
// process instead, and the log file is opened.
void log_from_private_table();
// Back to the process's own table: in a forked child, before it has a background thread.
void log_from_own_table();

void log_line(LogLevel level, std::string_view message);
// What the user has asked to be told, whatever the level.
void log_wanted(std::string_view message);
inline void log_error(std::string_view message) { log_line(LogLevel::kError, message); }
inline void log_warning(std::string_view message) { log_line(LogLevel::kWarn, message); }
inline void log_info(std::string_view message) { log_line(LogLevel::kInfo, message); }

// The last words of an agent that is out of memory: allocates nothing.
void log_out_of_memory() noexcept;

std::uint64_t lost_log_lines();

}  // namespace otprof::agent
