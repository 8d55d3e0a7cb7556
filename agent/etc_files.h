// SPDX-License-Identifier: Apache-2.0
//
// What two files of /etc say, given as their texts.
// Pure functions; any thread but no signal handler (they allocate).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace otprof::agent {

// The value of NAME=value in a text like /etc/os-release, without quotes; empty if it is not there.
std::string os_release_value(std::string_view text, std::string_view name);
// The name of user `id` in a text like /etc/passwd, or empty. Not by getpwuid(), which loads
// libraries and may ask the network.
std::string user_name(std::string_view passwd, std::uint32_t id);

}  // namespace otprof::agent
