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

// Endpoints: http or https, a host name or address (IPv6 in brackets), optionally user:password@
// (sent as basic authentication), a port from 1 to 65535, a path, a query. White space around is
// ignored; inside, as anything but printable ASCII, it is an error.
//
// General endpoint: base URL, one slash, "v1development/profiles" appended; an existing path and a
// query are kept.
bool url_from_base_endpoint(std::string_view base, std::string& url, std::string& error);
// Signal endpoint: used as it is; "/" when it has no path.
bool url_from_signal_endpoint(std::string_view endpoint, std::string& url, std::string& error);

// The URL without what may be secret in it (user, password, query), for messages.
std::string display_url(std::string_view url);

// Which proxy libcurl's usual variables name for `url`: http_proxy (lower case only, since HTTP_PROXY
// can be set by a request to a CGI program) or https_proxy, then all_proxy. Empty: none.
std::string_view proxy_for_url(std::string_view url, std::string_view http_proxy,
                               std::string_view https_proxy, std::string_view all_proxy);

// "k=v,k=v" in W3C Baggage form: optional white space around keys and values, values
// percent-decoded, the last of equal names wins, empty items are skipped. Baggage metadata does not
// exist here: ';' is an ordinary character. Header names must be RFC 9110 tokens, values free of
// control characters; what the sender sets itself (content-type, content-encoding, user-agent,
// otlp-profiles-development-version ...) is refused.
// False if any item was bad: `error` names the first such, never with its value (it may be a
// secret), and `headers` holds the good ones.
bool parse_headers(std::string_view text, KeyValues& headers, std::string& error);
// OTEL_RESOURCE_ATTRIBUTES: the same list form, keys percent-decoded too, an empty item is an error,
// everything must be UTF-8 (receivers reject the whole request otherwise). Any error discards the
// whole variable: `attributes` is empty then.
bool parse_resource_attributes(std::string_view text, KeyValues& attributes, std::string& error);

}  // namespace otprof::transport
