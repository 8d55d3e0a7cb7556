// SPDX-License-Identifier: Apache-2.0
#include "tools/read_otlp.h"

#include <catch2/catch.hpp>

#include "encoder/otlp.h"
#include "test/unit/encoder/sample_window.h"
#include "test/unit/tools/small_profile.h"
#include "test/unit/tools/wire_writer.h"
#include "tools/input_error.h"

namespace otprof::test {
namespace {

using encoder::Dictionary;
using tools::InputError;
using tools::OtlpRequest;
using tools::read_otlp;

struct Parts {
  std::string tables = message(5, "") + message(5, "samples") + message(5, "count") +
                       message(5, "f") +                                        // 0 to 3
                       message(3, "") + message(3, number(1, 3)) +              // function 1
                       message(2, "") + message(2, message(3, number(1, 1))) +  // location 1
                       message(7, "") + message(7, packed(1, {1}));             // stack 1
  std::string sample = number(1, 1) + packed(4, {5});
  std::string profile_fields;

  std::string profile() const {
    return message(1, number(1, 1) + number(2, 2)) + message(2, sample) + profile_fields;
  }
  std::string request() const {
    const std::string resource =
        message(1, message(1, message(1, "service.name") + message(2, message(1, "shop"))));
    return message(1, resource + message(2, message(2, profile()))) + message(2, tables);
  }
};

std::string error_of(const std::string& bytes) {
  Dictionary dictionary;
  try {
    read_otlp(bytes, dictionary);
  } catch (const InputError& error) {
    return error.what();
  }
  return {};
}

std::string error_of_sample(const std::string& sample) {
  Parts parts;
  parts.sample = sample;
  return error_of(parts.request());
}

TEST_CASE("an OTLP request gives its resource and its samples") {
  Dictionary dictionary;
  const OtlpRequest request = read_otlp(Parts{}.request(), dictionary);
  REQUIRE(request.profiles.size() == 1);
  const encoder::Profile& profile = request.profiles[0].profile;
  CHECK(profile.values == std::vector<std::int64_t>{5});
  CHECK(profile.counted_type == -1);
  const auto& attributes = request.resources[request.profiles[0].resource].attributes;
  REQUIRE(attributes.size() == 1);
  CHECK(attributes[0].key == "service.name");
  CHECK(std::get<std::string>(attributes[0].value) == "shop");
}

TEST_CASE("the three shapes of an OTLP sample") {
  const auto value_of = [](const std::string& sample) {
    Parts parts;
    parts.sample = sample;
    Dictionary dictionary;
    return read_otlp(parts.request(), dictionary).profiles.at(0).profile;
  };
  const std::string times = message(5, fixed64_bytes(7) + fixed64_bytes(8) + fixed64_bytes(9));
  const encoder::Profile counted = value_of(number(1, 1) + times);
  CHECK(counted.values == std::vector<std::int64_t>{3});
  CHECK(counted.counted_type == 0);
  CHECK(counted.timestamps == std::vector<std::uint64_t>{7, 8, 9});
  const encoder::Profile paired = value_of(number(1, 1) + packed(4, {1, 2, 3}) + times);
  CHECK(paired.values == std::vector<std::int64_t>{6});
  CHECK(paired.counted_type == -1);
  // Unpacked repeated fields are legal too.
  const encoder::Profile unpacked = value_of(number(1, 1) + fixed64(5, 7) + fixed64(5, 8));
  CHECK(unpacked.values == std::vector<std::int64_t>{2});
}

TEST_CASE("timestamps of samples that were equal end up with the one that is kept") {
  Parts parts;
  parts.sample = number(1, 1) + fixed64(5, 1);
  parts.profile_fields = message(2, fixed64(5, 2)) + message(2, number(1, 1) + fixed64(5, 3));
  Dictionary dictionary;
  const OtlpRequest request = read_otlp(parts.request(), dictionary);
  const encoder::Profile& profile = request.profiles.at(0).profile;
  REQUIRE(profile.samples.size() == 2);
  CHECK(profile.values == std::vector<std::int64_t>{2, 1});
  CHECK(profile.timestamps == std::vector<std::uint64_t>{1, 3, 2});
  CHECK(profile.samples[1].first_timestamp == 2);
}

TEST_CASE("an OTLP request that refers outside its tables is refused with the reason") {
  CHECK(error_of_sample(number(1, 9) + packed(4, {1})) == "stack index 9 outside the table of 2");
  CHECK(error_of_sample(number(3, 1) + packed(4, {1})) == "link index 1 outside the table of 0");
  CHECK(error_of_sample(packed(2, {3}) + packed(4, {1})) ==
        "attribute index 3 outside the table of 0");
  CHECK(error_of_sample(number(1, UINT64_MAX) + packed(4, {1})) ==
        "stack index -1 outside the table of 2");
  CHECK(error_of_sample(number(1, 1)) == "a sample without values or timestamps");
  CHECK(error_of_sample(packed(4, {1, 2})) == "a sample with 2 values and no timestamps");
  CHECK(error_of_sample(packed(4, {1, 2}) + fixed64(5, 1)) ==
        "a sample with 2 values and 1 timestamps");
  Parts parts;
  parts.tables += message(7, packed(1, {5}));
  CHECK(error_of(parts.request()) == "location index 5 outside the table of 2");
  parts = {};
  parts.tables += message(4, "") + message(4, message(1, "short"));
  CHECK(error_of(parts.request()) == "a trace or span id of the wrong length");
  parts = {};
  parts.profile_fields = message(7, "123");
  CHECK(error_of(parts.request()) == "a profile id of 3 bytes");
}

TEST_CASE("a request without a dictionary may use index 0 only") {
  Parts parts;
  parts.tables = "";
  parts.sample = packed(4, {1});
  CHECK(error_of(parts.request()) == "string index 1 outside the table of 0");
  Dictionary dictionary;
  CHECK(read_otlp("", dictionary).profiles.empty());
}

TEST_CASE("resource attributes by reference are resolved") {
  const std::string tables = message(5, "") + message(5, "service.name") + message(5, "shop");
  const std::string attribute = number(3, 1) + message(2, number(8, 2));
  const std::string bytes = message(1, message(1, message(1, attribute))) + message(2, tables);
  Dictionary dictionary;
  const OtlpRequest request = read_otlp(bytes, dictionary);
  REQUIRE(request.resources.size() == 1);
  CHECK(request.resources[0].attributes[0].key == "service.name");
  CHECK(std::get<std::string>(request.resources[0].attributes[0].value) == "shop");
}

TEST_CASE("what the encoder writes as OTLP is read back the same") {
  const SampleWindow window = make_sample_window({});
  std::size_t oversized = 0;
  const std::vector<encoder::Request> plan = encoder::plan_requests(
      window.dictionary, window.resource, window.scope, window.profiles, {}, oversized);
  REQUIRE(plan.size() == 1);
  std::string bytes;
  encoder::StringSink sink(bytes);
  REQUIRE(
      encoder::encode_otlp(window.dictionary, window.resource, window.scope, plan[0], {}, sink));
  Dictionary dictionary;
  const OtlpRequest request = read_otlp(bytes, dictionary);

  std::size_t next = 0;
  for (const encoder::Profile& profile : window.profiles) {
    for (const std::uint32_t type : profile.otlp_types) {
      // The one column of the model that this OTLP Profile carries.
      encoder::Profile column = profile;
      column.sample_types = {profile.sample_types[type]};
      column.values.clear();
      for (std::size_t i = 0; i < profile.samples.size(); ++i) {
        column.values.push_back(profile.values[i * profile.sample_types.size() + type]);
        if (static_cast<int>(type) != profile.counted_type) column.samples[i].timestamp_count = 0;
      }
      REQUIRE(next < request.profiles.size());
      const encoder::Profile& read = request.profiles[next++].profile;
      CHECK(describe(dictionary, read) == describe(window.dictionary, column));
      CHECK(read.period == profile.period);
      CHECK(read.time_unix_nano == profile.time_unix_nano);
      CHECK(dictionary.string(read.sample_types[0].type) ==
            window.dictionary.string(column.sample_types[0].type));
    }
  }
  CHECK(next == request.profiles.size());
}

}  // namespace
}  // namespace otprof::test
