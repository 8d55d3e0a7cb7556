// SPDX-License-Identifier: Apache-2.0
//
// The names of attribute keys that programs give to the agent through otprof.h. They take the upper
// half of the 256 keys, so that they cannot be mistaken for those of an SDK that publishes a map of
// its own, as long as that map has at most 128 names.
//
// Promises: a key, once given, keeps its name for the life of the process, in forked children too.
// Any thread, signal handlers included: no lock, no allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace otprof::agent {

inline constexpr unsigned kFirstContextKey = 128;
inline constexpr std::size_t kMostContextKeys = 128;
inline constexpr std::size_t kMostKeyBytes = 63;

// The key for `name`, 1 .. kMostKeyBytes bytes, 128 .. 255; -1 when all are taken.
int context_key(std::string_view name) noexcept;
// Empty when the key has none.
std::string_view context_key_name(std::uint8_t key) noexcept;

}  // namespace otprof::agent
