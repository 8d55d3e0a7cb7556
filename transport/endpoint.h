// SPDX-License-Identifier: Apache-2.0
//
// The rules by which OTEL_EXPORTER_OTLP_* values become a URL, headers and resource attributes
// (OpenTelemetry specification: protocol/exporter, resource/sdk; standards.md section 3).
// Pure functions; any thread but no signal handler and no malloc hook (they allocate).
// On bad input they return false and say in `error` what was wrong, in words for a warning.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace otprof::transport {

using KeyValues = std::vector<std::pair<std::string, std::string>>;

// General endpoint: base URL, one slash, "v1development/profiles" appended; an existing path is kept.
bool url_from_base_endpoint(std::string_view base, std::string& url, std::string& error);
// Signal endpoint: used as it is; "/" when it has no path.
bool url_from_signal_endpoint(std::string_view endpoint, std::string& url, std::string& error);

// "k=v,k=v" in W3C Baggage form: optional white space around items, values percent-decoded. Headers
// the sender sets itself (content-type, content-encoding, otlp-profiles-development-version ...) are
// refused; header names must be RFC 9110 tokens and values free of control characters.
bool parse_headers(std::string_view text, KeyValues& headers, std::string& error);
// OTEL_RESOURCE_ATTRIBUTES: the same list form; any error discards the whole variable.
bool parse_resource_attributes(std::string_view text, KeyValues& attributes, std::string& error);

}  // namespace otprof::transport
