// SPDX-License-Identifier: Apache-2.0
//
// The OpenTelemetry attribute keys that the encoder itself writes (semantic conventions 1.44.0), for
// whoever reads its output back. Constants only.
#pragma once

#include <string_view>

namespace otprof::encoder {

// On mappings.
inline constexpr std::string_view kBuildIdGnuKey = "process.executable.build_id.gnu";
inline constexpr std::string_view kBuildIdHtlKey = "process.executable.build_id.htlhash";
// On locations.
inline constexpr std::string_view kFrameTypeKey = "profile.frame.type";

// pprof label keys for a sample's link: 32 and 16 lower-case hex digits.
inline constexpr std::string_view kTraceIdLabel = "trace_id";
inline constexpr std::string_view kSpanIdLabel = "span_id";

}  // namespace otprof::encoder
