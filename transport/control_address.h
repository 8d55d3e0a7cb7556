// SPDX-License-Identifier: Apache-2.0
//
// Where a profiled process is asked things from outside (`otprof ctl`): a Unix socket in the abstract
// namespace, so that no file is left behind, called "otprof/" and random digits. Random, because process
// ids are not unique where containers share a network namespace; who is behind a socket is what the
// kernel says of its peer.
//
// One line is sent, one of those that docs/api.md lists; the answer is text up to the end of the
// connection, whose first word is "ok" or "error:".
#pragma once

#include <string_view>

namespace otprof::transport {

inline constexpr std::string_view kControlPrefix = "otprof/";
inline constexpr std::size_t kMostControlBytes =
    4352;  // a path of 4095 bytes and the words before it

}  // namespace otprof::transport
