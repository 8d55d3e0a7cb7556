// SPDX-License-Identifier: Apache-2.0
//
// The release this agent is; set by the build from meson.build's project version. Any thread.
#pragma once

namespace otprof::agent {

inline constexpr const char* kVersion = OTPROF_VERSION;

}  // namespace otprof::agent
