// SPDX-License-Identifier: Apache-2.0
#include "agent/otlp_config.h"

#include <string>

#include "agent/log.h"
#include "agent/version.h"
#include "transport/endpoint.h"

namespace otprof::agent {
namespace {

bool choose_url(const Options& options, std::string& url) {
  std::string error;
  if (options.is_given(OptionId::profiles_endpoint)) {
    if (transport::url_from_signal_endpoint(options.profiles_endpoint, url, error)) {
      return true;
    }
    log_warning("OTEL_EXPORTER_OTLP_PROFILES_ENDPOINT is not accepted (" + error +
                "); using OTEL_EXPORTER_OTLP_ENDPOINT");
  }
  if (transport::url_from_base_endpoint(options.endpoint, url, error)) {
    return true;
  }
  log_warning("OTEL_EXPORTER_OTLP_ENDPOINT is not accepted (" + error +
              "); using http://localhost:4318");
  return transport::url_from_base_endpoint("http://localhost:4318", url, error);
}

void choose_headers(const Options& options, transport::KeyValues& headers) {
  const bool own = options.is_given(OptionId::profiles_headers);
  std::string error;
  if (!transport::parse_headers(own ? options.profiles_headers : options.headers, headers, error)) {
    log_warning(
        std::string(own ? "OTEL_EXPORTER_OTLP_PROFILES_HEADERS" : "OTEL_EXPORTER_OTLP_HEADERS") +
        " is not accepted in part (" + error + "); its other headers are sent");
  }
}

const std::string& first_set(const std::string& lower, const std::string& upper) {
  return lower.empty() ? upper : lower;
}

void warn_from_sender(void* /*context*/, std::string_view message) { log_warning(message); }

}  // namespace

bool wants_gzip(const Options& options) {
  const int choice = options.is_given(OptionId::profiles_compression) ? options.profiles_compression
                                                                      : options.compression;
  return static_cast<CompressionChoice>(choice) == CompressionChoice::kGzip;
}

std::optional<transport::SenderConfig> make_sender_config(const Options& options) {
  if ((options.exporters & kExportOtlp) == 0) {
    if (!options.spool_dir.empty()) {
      log_warning(
          "OTPROF_SPOOL_DIR is for what cannot be delivered by OTLP, and otlp is not among "
          "OTPROF_EXPORTERS; nothing is kept there");
    }
    return std::nullopt;
  }
  transport::SenderConfig config;
  if (!choose_url(options, config.url)) {
    return std::nullopt;
  }
  choose_headers(options, config.headers);
  config.proxy = transport::proxy_for_url(config.url, options.http_proxy,
                                          first_set(options.https_proxy, options.https_proxy_upper),
                                          first_set(options.all_proxy, options.all_proxy_upper));
  config.no_proxy = first_set(options.no_proxy, options.no_proxy_upper);
  const auto of = [&](OptionId own, const auto& own_value, const auto& general_value) {
    return options.is_given(own) ? own_value : general_value;
  };
  config.timeout = std::chrono::milliseconds(
      of(OptionId::profiles_timeout, options.profiles_timeout, options.timeout));
  config.ca_file =
      of(OptionId::profiles_certificate, options.profiles_certificate, options.certificate);
  config.client_key_file =
      of(OptionId::profiles_client_key, options.profiles_client_key, options.client_key);
  config.client_certificate_file =
      of(OptionId::profiles_client_certificate, options.profiles_client_certificate,
         options.client_certificate);
  config.user_agent = std::string("libotprof/") + kVersion + " OTel-OTLP-Exporter-Cpp/" + kVersion;
  config.queue_windows = static_cast<std::size_t>(options.queue_size);
  // A quarter for what waits; windows, symbols and live blocks have the rest.
  config.queue_bytes = static_cast<std::size_t>(options.max_memory / 4);
  config.warn = warn_from_sender;
  return config;
}

}  // namespace otprof::agent
