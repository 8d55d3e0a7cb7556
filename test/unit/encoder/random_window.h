// SPDX-License-Identifier: Apache-2.0
//
// Windows that no agent would make: every field takes extreme values, every reference may be unset.
// The same seed gives the same window.
#pragma once

#include <cstdint>

#include "test/unit/encoder/sample_window.h"

namespace otprof::test {

SampleWindow make_random_window(std::uint64_t seed);

}  // namespace otprof::test
