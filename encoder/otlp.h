// SPDX-License-Identifier: Apache-2.0
//
// Profiles -> OTLP bytes (opentelemetry-proto v1.11.0, ExportProfilesServiceRequest, which is
// byte-identical to ProfilesData), uncompressed. A pure function of its arguments.
//
// A window that would exceed what receivers take is split into several requests by plan_requests();
// no sample is lost or doubled by the split. Each request carries a dictionary of just the entries
// it refers to (no orphans, no duplicates, zero entries first).
// One thread at a time; not from a signal handler or a malloc hook.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "encoder/byte_sink.h"
#include "encoder/dictionary.h"

namespace otprof::encoder {

// Samples [first, first + count) of one profile; every type in its otlp_types is written for them.
struct ProfileSlice {
  const Profile* profile = nullptr;
  std::size_t first = 0;
  std::size_t count = 0;
};

using Request = std::vector<ProfileSlice>;

// What receivers take by default: the Collector 20 MiB a request, Pyroscope 4 MiB and 16,000 samples
// a profile. Pyroscope measures a profile together with the strings, functions and locations that it
// needs, so the whole dictionary of the request counts towards profile_bytes.
struct RequestLimits {
  std::size_t request_bytes = std::size_t{16} << 20;  // uncompressed, dictionary included
  std::size_t profile_bytes = std::size_t{4} << 20;  // uncompressed, one Profile and the dictionary
  std::size_t profile_samples = 16'000;
};

struct OriginalPayload {
  std::string_view format;  // "pprof"; empty: none
  std::string_view bytes;
};

// Groups the samples of `profiles` into requests that each stay within `limits`, payloads apart.
// Profiles without samples or otlp_types are left out; no samples at all gives no request. A single
// sample that alone exceeds the limits is left out and counted in `oversized_samples` (which is set,
// not added to). Takes time and memory in proportion to the profiles and the dictionary.
std::vector<Request> plan_requests(const Dictionary& dictionary, const Resource& resource,
                                   const Scope& scope, std::span<const Profile> profiles,
                                   const RequestLimits& limits, std::size_t& oversized_samples);

// `payloads`: empty, or one entry per slice of the request, attached to that slice's first OTLP
// Profile. When one Profile became several requests each slice but the first must have a different
// profile id: the id of slice k is derived from the profile's id and the slice's first sample.
// False only when the sink failed.
bool encode_otlp(const Dictionary& dictionary, const Resource& resource, const Scope& scope,
                 const Request& request, std::span<const OriginalPayload> payloads, ByteSink& sink);

}  // namespace otprof::encoder
