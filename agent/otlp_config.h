// SPDX-License-Identifier: Apache-2.0
//
// OTEL_EXPORTER_OTLP_* -> the sender's configuration: the form for profiles wins over the general
// one, option by option (OpenTelemetry specification, protocol/exporter).
// Background thread only; warns of what it cannot use.
#pragma once

#include <optional>

#include "agent/options.h"
#include "transport/otlp_sender.h"

namespace otprof::agent {

// None when OTLP is not asked for, or no usable endpoint is left; then the reason has been logged.
std::optional<transport::SenderConfig> make_sender_config(const Options& options);

// How request bodies are compressed, by the same precedence.
bool wants_gzip(const Options& options);

}  // namespace otprof::agent
