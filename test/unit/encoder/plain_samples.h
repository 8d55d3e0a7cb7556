// SPDX-License-Identifier: Apache-2.0
//
// A profile as a sorted list of text lines, one for each sample, with every reference resolved. Equal
// lists mean equal profiles, whatever the numbering of the tables; so what went into the encoder can
// be compared with what comes out of the bytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "encoder/dictionary.h"

namespace otprof::test {

using PlainSamples = std::vector<std::string>;

// The samples of one type as OTLP carries them.
PlainSamples otlp_samples_of_model(const encoder::Dictionary& dictionary,
                                   const encoder::Profile& profile, std::uint32_t type);
// Of all Profiles of a request whose sample type is `type` ("samples/count").
PlainSamples otlp_samples_of_bytes(std::string_view request, std::string_view type);

// With all values and the labels, as pprof carries them.
PlainSamples pprof_samples_of_model(const encoder::Dictionary& dictionary,
                                    const encoder::Profile& profile);
PlainSamples pprof_samples_of_bytes(std::string_view file);

}  // namespace otprof::test
