// SPDX-License-Identifier: Apache-2.0
//
// Random profiles come back from both formats as they went in.
#include <catch2/catch.hpp>

#include "test/unit/encoder/encode.h"
#include "test/unit/encoder/plain_samples.h"
#include "test/unit/encoder/random_window.h"

namespace otprof::test {
namespace {

constexpr std::uint64_t kWindows = 40;

TEST_CASE("random windows survive OTLP") {
  for (std::uint64_t seed = 1; seed <= kWindows; ++seed) {
    const SampleWindow window = make_random_window(seed);
    const std::string bytes = otlp_bytes(window);
    for (const encoder::Profile& profile : window.profiles) {
      for (const std::uint32_t type : profile.otlp_types) {
        INFO("seed " << seed << " type " << type_name(window, profile.sample_types[type]));
        CHECK(otlp_samples_of_bytes(bytes, type_name(window, profile.sample_types[type])) ==
              otlp_samples_of_model(window.dictionary, profile, type));
      }
    }
  }
}

TEST_CASE("random windows survive pprof") {
  for (std::uint64_t seed = 1; seed <= kWindows; ++seed) {
    const SampleWindow window = make_random_window(seed);
    for (std::size_t i = 0; i < window.profiles.size(); ++i) {
      INFO("seed " << seed << " profile " << i);
      CHECK(pprof_samples_of_bytes(pprof_bytes(window, i)) ==
            pprof_samples_of_model(window.dictionary, window.profiles[i]));
    }
  }
}

TEST_CASE("the made-up window survives both formats") {
  const SampleWindow window = make_sample_window({});
  const std::string bytes = otlp_bytes(window);
  for (std::size_t i = 0; i < window.profiles.size(); ++i) {
    const encoder::Profile& profile = window.profiles[i];
    for (const std::uint32_t type : profile.otlp_types) {
      CHECK(otlp_samples_of_bytes(bytes, type_name(window, profile.sample_types[type])) ==
            otlp_samples_of_model(window.dictionary, profile, type));
    }
    CHECK(pprof_samples_of_bytes(pprof_bytes(window, i)) ==
          pprof_samples_of_model(window.dictionary, profile));
  }
}

}  // namespace
}  // namespace otprof::test
