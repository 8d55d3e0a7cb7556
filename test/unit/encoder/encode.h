// SPDX-License-Identifier: Apache-2.0
//
// The encoder's functions with a string as the result, for tests.
#pragma once

#include <catch2/catch.hpp>
#include <string>

#include "encoder/otlp.h"
#include "encoder/pprof.h"
#include "test/unit/encoder/sample_window.h"

namespace otprof::test {

inline encoder::Request whole_request(const std::vector<encoder::Profile>& profiles) {
  encoder::Request request;
  for (const encoder::Profile& profile : profiles) {
    request.push_back({.profile = &profile, .first = 0, .count = profile.samples.size()});
  }
  return request;
}

inline std::string otlp_bytes(const SampleWindow& window, const encoder::Request& request,
                              std::span<const encoder::OriginalPayload> payloads = {}) {
  std::string bytes;
  encoder::StringSink sink(bytes);
  REQUIRE(encode_otlp(window.dictionary, window.resource, window.scope, request, payloads, sink));
  return bytes;
}

inline std::string otlp_bytes(const SampleWindow& window) {
  return otlp_bytes(window, whole_request(window.profiles));
}

inline std::string pprof_bytes(const SampleWindow& window, std::size_t profile) {
  std::string bytes;
  encoder::StringSink sink(bytes);
  REQUIRE(encode_pprof(window.dictionary, window.profiles[profile], sink));
  return bytes;
}

inline std::string type_name(const SampleWindow& window, const encoder::ValueType& type) {
  return std::string(window.dictionary.string(type.type)) + "/" +
         std::string(window.dictionary.string(type.unit));
}

}  // namespace otprof::test
