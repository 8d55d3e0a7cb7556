// SPDX-License-Identifier: Apache-2.0
//
// OTLP bytes (opentelemetry-proto 1.10 and later, ExportProfilesServiceRequest or ProfilesData, which
// are the same on the wire; already decompressed) -> Profiles.
//
// Promises: a reference outside its table, a sample whose values and timestamps do not fit together
// and bytes that are not protobuf throw InputError; nothing is kept of a request that is refused but
// interned entries. The three sample shapes of the standard all give one value per sample:
// timestamps only: their number; both: the sum of the values. Profiles without samples are left
// out. Any thread, one per dictionary.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "encoder/dictionary.h"
#include "encoder/profile.h"

namespace otprof::tools {

// One OTLP Profile: it has exactly one sample type and at least one sample.
struct OtlpProfile {
  std::size_t resource = 0;  // into OtlpRequest::resources
  std::size_t scope = 0;     // into OtlpRequest::scopes
  encoder::Profile profile;
};

struct OtlpRequest {
  std::vector<encoder::Resource> resources;
  std::vector<encoder::Scope> scopes;
  std::vector<OtlpProfile> profiles;
};

// More are refused: each costs some hundred bytes here, and two on the wire.
inline constexpr std::size_t kMaxProfilesPerRequest = 65536;

OtlpRequest read_otlp(std::string_view message, encoder::Dictionary& dictionary);

}  // namespace otprof::tools
