// SPDX-License-Identifier: Apache-2.0
//
// Reads the two protobuf messages an OTLP receiver answers with, and makes whatever else it says
// fit for a log line. The input is a stranger's: any bytes are survived, nothing is read past the
// end, a length or number that does not fit makes the message malformed.
// Pure functions, any thread but no signal handler (they allocate).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace otprof::transport {

struct PartialSuccess {
  std::int64_t rejected_profiles = 0;  // never negative
  std::string_view error_message;      // points into the decoded bytes
};

// ExportProfilesServiceResponse { partial_success = 1 { rejected_profiles = 1, error_message = 2 } }.
// An empty message is a full success. Nothing if it is malformed.
std::optional<PartialSuccess> decode_export_response(std::string_view bytes);

// google.rpc.Status { message = 2 }. Nothing if it is malformed or has no message.
std::optional<std::string_view> decode_status_message(std::string_view bytes);

// The first 200 printable ASCII characters; anything else becomes one space per run, so that an
// answer can neither start a new log line nor send escape sequences to a terminal.
std::string printable(std::string_view text);

}  // namespace otprof::transport
