// SPDX-License-Identifier: Apache-2.0
//
// OTEL_EXPORTER_OTLP_* -> the sender's configuration: the form for profiles wins over the general
// one, option by option (OpenTelemetry specification, protocol/exporter).
// Background thread only; warns of what it cannot use.
#pragma once

#include "agent/options.h"
#include "transport/otlp_sender.h"

namespace otprof::agent {

// False when no usable endpoint is left; the reason has been logged.
bool make_sender_config(const Options& options, transport::SenderConfig& config);

// How request bodies are compressed, by the same precedence.
bool wants_gzip(const Options& options);

}  // namespace otprof::agent
