// SPDX-License-Identifier: Apache-2.0
//
// Splitting loses and doubles nothing and keeps within the limits, measured by really encoding.
#include <algorithm>
#include <catch2/catch.hpp>

#include "encoder/otlp.h"
#include "test/unit/encoder/encode.h"
#include "test/unit/encoder/plain_samples.h"
#include "test/unit/encoder/random_window.h"
#include "test/unit/encoder/wire_reader.h"

namespace otprof::encoder {
namespace {

using test::otlp_bytes;
using test::SampleWindow;
using test::WireMessage;

struct Plan {
  std::vector<Request> requests;
  std::size_t oversized = 99;
};

Plan plan(const SampleWindow& window, const RequestLimits& limits) {
  Plan result;
  result.requests = plan_requests(window.dictionary, window.resource, window.scope, window.profiles,
                                  limits, result.oversized);
  return result;
}

void check_limits(const std::string& bytes, const RequestLimits& limits) {
  const WireMessage request(bytes);
  REQUIRE(bytes.size() <= limits.request_bytes);
  const std::size_t dictionary = request.bytes(2).size();
  for (const WireMessage& scope : request.message(1).messages(2)) {
    for (const test::WireField& profile : scope.all(2)) {
      REQUIRE(profile.bytes.size() + dictionary <= limits.profile_bytes);
      REQUIRE(WireMessage(profile.bytes).all(2).size() <= limits.profile_samples);
    }
  }
}

// How many of `all` samples the slices cover; fails if they overlap, leave the profile or go back.
std::size_t covered(const std::vector<Request>& requests, const Profile& profile) {
  std::size_t count = 0;
  std::size_t next = 0;
  for (const Request& request : requests) {
    for (const ProfileSlice& slice : request) {
      if (slice.profile != &profile) continue;
      REQUIRE(slice.count > 0);
      REQUIRE(slice.first >= next);
      next = slice.first + slice.count;
      REQUIRE(next <= profile.samples.size());
      count += slice.count;
    }
  }
  return count;
}

void check_plan(const SampleWindow& window, const RequestLimits& limits) {
  const Plan planned = plan(window, limits);
  std::size_t samples = 0;
  std::size_t found = 0;
  for (const Profile& profile : window.profiles) {
    samples += profile.samples.size();
    found += covered(planned.requests, profile);
  }
  REQUIRE(found + planned.oversized == samples);
  std::vector<std::string> encoded;
  for (const Request& request : planned.requests) {
    REQUIRE_FALSE(request.empty());
    encoded.push_back(otlp_bytes(window, request));
    check_limits(encoded.back(), limits);
  }
  if (planned.oversized != 0) return;
  for (const Profile& profile : window.profiles) {
    for (const std::uint32_t type : profile.otlp_types) {
      const std::string name = test::type_name(window, profile.sample_types[type]);
      test::PlainSamples all;
      for (const std::string& bytes : encoded) {
        const test::PlainSamples part = test::otlp_samples_of_bytes(bytes, name);
        all.insert(all.end(), part.begin(), part.end());
      }
      std::ranges::sort(all);
      REQUIRE(all == test::otlp_samples_of_model(window.dictionary, profile, type));
    }
  }
}

TEST_CASE("a window within the limits is one request with one slice for each profile") {
  const SampleWindow window = test::make_sample_window({});
  const Plan planned = plan(window, {});
  REQUIRE(planned.requests.size() == 1);
  REQUIRE(planned.requests[0].size() == 2);
  CHECK(planned.requests[0][0].count == 200);
  CHECK(planned.requests[0][1].count == 100);
  CHECK(planned.oversized == 0);
}

TEST_CASE("no samples, no request") {
  SampleWindow window = test::make_sample_window({.cpu_samples = 0, .heap_samples = 0});
  CHECK(plan(window, {}).requests.empty());
  CHECK(plan(window, {}).oversized == 0);
  window = test::make_sample_window({});
  for (Profile& profile : window.profiles) profile.otlp_types.clear();
  CHECK(plan(window, {}).requests.empty());
}

TEST_CASE("tight limits split the made-up window without losing a sample") {
  const SampleWindow window = test::make_sample_window({});
  for (const std::size_t limit : {std::size_t{8'000}, std::size_t{20'000}, std::size_t{100'000}}) {
    const RequestLimits requests{.request_bytes = limit};
    CHECK(plan(window, requests).oversized == 0);
    CHECK(plan(window, requests).requests.size() > 1);
    check_plan(window, requests);
    const RequestLimits profiles{.profile_bytes = limit};
    CHECK(plan(window, profiles).oversized == 0);
    CHECK(plan(window, profiles).requests.size() > 1);
    check_plan(window, profiles);
  }
  check_plan(window, {.profile_samples = 7});
  CHECK(plan(window, {.profile_samples = 7}).requests.size() == 29 + 15 - 1);
}

TEST_CASE("requests are filled: the split does not waste more than the bounds' slack") {
  const SampleWindow window = test::make_sample_window({.cpu_samples = 3000, .heap_samples = 0});
  const RequestLimits limits{.request_bytes = 200'000};
  const Plan planned = plan(window, limits);
  REQUIRE(planned.requests.size() > 3);
  for (std::size_t i = 0; i + 1 < planned.requests.size(); ++i) {
    CHECK(otlp_bytes(window, planned.requests[i]).size() > 150'000);
  }
}

// In so small a window every index takes one byte, so the bounds are tight and a byte that they
// forget shows.
TEST_CASE("the bounds hold to the byte") {
  const SampleWindow window =
      test::make_sample_window({.cpu_samples = 60, .heap_samples = 30, .depth = 3, .addresses = 5});
  const std::size_t whole = otlp_bytes(window).size();
  for (std::size_t limit = 900; limit < whole + 50; limit += 53) {
    INFO("limit " << limit);
    check_plan(window, {.request_bytes = limit});
    check_plan(window, {.profile_bytes = limit});
  }
}

TEST_CASE("a sample too large for any request is counted, the others are kept") {
  SampleWindow window = test::make_sample_window({.cpu_samples = 20, .heap_samples = 0});
  Dictionary& d = window.dictionary;
  const std::array<Index, 1> set = {d.string_attribute("huge", std::string(50'000, 'x'))};
  window.profiles[0].samples[7].attributes = d.intern_attribute_set(set);
  window.profiles[0].samples[19].attributes = d.intern_attribute_set(set);
  const RequestLimits limits{.request_bytes = 30'000};
  const Plan planned = plan(window, limits);
  CHECK(planned.oversized == 2);
  CHECK(covered(planned.requests, window.profiles[0]) == 18);
  check_plan(window, limits);
}

TEST_CASE("limits that nothing fits into give no request and count every sample") {
  const SampleWindow window = test::make_sample_window({});
  for (const RequestLimits& limits :
       {RequestLimits{.request_bytes = 100}, RequestLimits{.profile_bytes = 0},
        RequestLimits{.profile_samples = 0}}) {
    const Plan planned = plan(window, limits);
    CHECK(planned.requests.empty());
    CHECK(planned.oversized == 300);
  }
}

TEST_CASE("random windows are split within random limits") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    INFO("seed " << seed);
    const SampleWindow window = test::make_random_window(seed);
    for (const std::size_t limit : {400U, 1500U, 6000U, 40'000U}) {
      check_plan(window, {.request_bytes = limit});
      check_plan(window, {.profile_bytes = limit});
    }
    check_plan(window, {.profile_samples = seed % 9 + 1});
  }
}

}  // namespace
}  // namespace otprof::encoder
