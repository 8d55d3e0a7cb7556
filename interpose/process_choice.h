// SPDX-License-Identifier: Apache-2.0
//
// What the process was started with, and what that says about leaving it alone: for stand_down.h and the
// bundled allocator.
//
// From the look-up of the next allocator on. Allocates nothing, and needs no constructor to have run.
#pragma once

#include <string_view>

namespace otprof::interpose {

// The environment the process was started with, where the kernel has put it: libc may not know it yet. A
// program may have changed it since. Null: not found.
const char* const* start_environment() noexcept;

// The same of its arguments, the name of the program first.
const char* const* start_arguments() noexcept;

// Whether the first variable of that name has this value; spaces around it and case do not count.
bool variable_is(const char* const* environment, std::string_view name,
                 std::string_view word) noexcept;

// Whether `part` occurs in the first variable of that name.
bool variable_has(const char* const* environment, std::string_view name,
                  std::string_view part) noexcept;

// True for programs that the library does nothing in: it is switched off, it is not meant, or the kernel has
// given the process another user's rights.
bool is_left_alone(const char* const* environment) noexcept;

// RLIMIT_AS is so low that what we take is missing in the program: the library is mapped already, and
// its rings and tables are some 30 MiB of addresses.
bool is_short_of_addresses() noexcept;

}  // namespace otprof::interpose
