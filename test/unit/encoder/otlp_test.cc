// SPDX-License-Identifier: Apache-2.0
#include "encoder/otlp.h"

#include <catch2/catch.hpp>
#include <set>

#include "test/unit/encoder/encode.h"
#include "test/unit/encoder/wire_reader.h"

namespace otprof::encoder {
namespace {

using test::otlp_bytes;
using test::SampleWindow;
using test::WireMessage;

std::vector<WireMessage> profiles_of(const std::string& bytes) {
  return WireMessage(bytes).message(1).message(2).messages(2);
}

std::vector<WireMessage> samples_of(const std::string& bytes, std::size_t profile) {
  return profiles_of(bytes).at(profile).messages(2);
}

// A window with one profile of one sample type and as many samples as there are values.
SampleWindow small_window(const std::vector<std::int64_t>& values) {
  SampleWindow window;
  Dictionary& d = window.dictionary;
  Profile profile;
  profile.sample_types = {{.type = d.intern_string("samples"), .unit = d.intern_string("count")}};
  profile.otlp_types = {0};
  profile.counted_type = 0;
  profile.otlp_period_type = profile.sample_types[0];
  profile.period = 1;
  for (const std::int64_t value : values) {
    const auto number = static_cast<std::uint64_t>(profile.samples.size());
    const std::array<Index, 1> frames = {d.intern_location({.address = 4096 + number})};
    profile.samples.push_back({.stack = d.intern_stack(frames)});
    profile.values.push_back(value);
  }
  window.profiles.push_back(std::move(profile));
  return window;
}

void add_timestamps(Profile& profile, const std::vector<std::uint32_t>& counts) {
  for (std::size_t i = 0; i < counts.size(); ++i) {
    profile.samples[i].first_timestamp = static_cast<std::uint32_t>(profile.timestamps.size());
    profile.samples[i].timestamp_count = counts[i];
    profile.timestamps.insert(profile.timestamps.end(), counts[i], 1'000 + i);
  }
}

TEST_CASE("an empty request still has its tables, each with the zero entry") {
  const SampleWindow window;
  const std::string bytes = otlp_bytes(window, {});
  const WireMessage request(bytes);
  CHECK(request.has(1));
  const WireMessage dictionary = request.message(2);
  for (std::uint32_t table = 1; table <= 7; ++table) {
    REQUIRE(dictionary.all(table).size() == 1);
    CHECK(dictionary.all(table)[0].bytes.empty());
  }
  CHECK(profiles_of(bytes).empty());
}

TEST_CASE("profiles without samples or without OTLP types are left out") {
  SampleWindow window = small_window({});
  CHECK(profiles_of(otlp_bytes(window)).empty());
  window = small_window({1, 2});
  window.profiles[0].otlp_types.clear();
  const std::string bytes = otlp_bytes(window);
  CHECK(profiles_of(bytes).empty());
  CHECK(WireMessage(bytes).message(2).all(7).size() == 1);
}

TEST_CASE("without timestamps a sample has exactly one value") {
  const SampleWindow window = small_window({3, 0, 300});
  const auto samples = samples_of(otlp_bytes(window), 0);
  REQUIRE(samples.size() == 3);
  CHECK(samples[0].packed_varints(4) == std::vector<std::uint64_t>{3});
  CHECK(samples[1].packed_varints(4) == std::vector<std::uint64_t>{0});
  CHECK(samples[2].packed_varints(4) == std::vector<std::uint64_t>{300});
  for (const WireMessage& sample : samples) CHECK_FALSE(sample.has(5));
}

TEST_CASE("timestamps that tell the counts replace the values") {
  SampleWindow window = small_window({2, 1});
  add_timestamps(window.profiles[0], {2, 1});
  const auto samples = samples_of(otlp_bytes(window), 0);
  CHECK(samples[0].packed_fixed64(5) == std::vector<std::uint64_t>{1000, 1000});
  CHECK(samples[1].packed_fixed64(5) == std::vector<std::uint64_t>{1001});
  for (const WireMessage& sample : samples) CHECK_FALSE(sample.has(4));
}

TEST_CASE("timestamps that do not tell the counts are not written: no event is lost or invented") {
  SampleWindow fewer = small_window({2, 1});
  add_timestamps(fewer.profiles[0], {1, 1});
  SampleWindow none = small_window({2, 1});
  add_timestamps(none.profiles[0], {2, 0});
  SampleWindow nothing_counted = small_window({2, 0});
  add_timestamps(nothing_counted.profiles[0], {2, 0});
  for (const WireMessage& sample : samples_of(otlp_bytes(nothing_counted), 0)) {
    CHECK(sample.has(4));
    CHECK_FALSE(sample.has(5));
  }
  SampleWindow other_type = small_window({2, 1});
  add_timestamps(other_type.profiles[0], {2, 1});
  other_type.profiles[0].counted_type = -1;
  for (const SampleWindow* window : {&fewer, &none, &other_type}) {
    const auto samples = samples_of(otlp_bytes(*window), 0);
    CHECK(samples[0].packed_varints(4) == std::vector<std::uint64_t>{2});
    CHECK(samples[1].packed_varints(4) == std::vector<std::uint64_t>{1});
    for (const WireMessage& sample : samples) CHECK_FALSE(sample.has(5));
  }
}

TEST_CASE("every type gets its own profile, in the order of otlp_types, with its own id") {
  const SampleWindow window = test::make_sample_window({});
  const std::string bytes = otlp_bytes(window);
  const WireMessage request(bytes);
  const auto strings = request.message(2).all(5);
  std::vector<std::string> types;
  std::set<std::string> ids;
  for (const WireMessage& profile : profiles_of(bytes)) {
    types.push_back(strings.at(profile.message(1).number(1)).bytes);
    CHECK(profile.bytes(7).size() == 16);
    ids.insert(profile.bytes(7));
  }
  CHECK(types == std::vector<std::string>{"samples", "inuse_space", "alloc_space", "inuse_objects",
                                          "alloc_objects"});
  CHECK(ids.size() == 5);
  CHECK(ids.contains(std::string(16, '\x11')));
  CHECK(ids.contains(std::string(16, '\x22')));
  CHECK(otlp_bytes(window) == bytes);
}

TEST_CASE("slices of one profile have different ids, and none if it has none") {
  SampleWindow window = test::make_sample_window({});
  const Profile& heap = window.profiles[1];
  std::set<std::string> ids;
  for (const std::size_t first : {0U, 10U, 20U}) {
    const std::string bytes = otlp_bytes(window, {{.profile = &heap, .first = first, .count = 10}});
    for (const WireMessage& profile : profiles_of(bytes)) ids.emplace(profile.bytes(7));
  }
  CHECK(ids.size() == 12);
  window.profiles[1].profile_id = {};
  for (const WireMessage& profile : profiles_of(otlp_bytes(window, {{&heap, 5, 5}}))) {
    CHECK_FALSE(profile.has(7));
  }
}

TEST_CASE("only reached entries are written, numbered in the order of first use") {
  SampleWindow window = small_window({1, 1, 1});
  Dictionary& d = window.dictionary;
  d.string_attribute("never", "used");
  d.intern_function({.name = d.intern_string("unused")});
  const std::string bytes = otlp_bytes(window, {{&window.profiles[0], 2, 1}});
  const WireMessage dictionary = WireMessage(bytes).message(2);
  CHECK(dictionary.all(2).size() == 2);
  CHECK(dictionary.messages(2)[1].number(2) == 4098);
  CHECK(dictionary.all(3).size() == 1);
  CHECK(dictionary.all(5).size() == 3);
  CHECK(dictionary.all(6).size() == 1);
  CHECK(dictionary.all(7).size() == 2);
  CHECK(samples_of(bytes, 0)[0].number(1) == 1);
}

TEST_CASE("a link is 16 and 8 raw bytes, link 0 is empty") {
  SampleWindow window = small_window({1, 1});
  Link link;
  for (std::uint8_t i = 0; i < 16; ++i) link.trace_id[i] = static_cast<std::uint8_t>(i + 1);
  link.span_id.fill(0xAB);
  window.profiles[0].samples[1].link = window.dictionary.intern_link(link);
  const std::string bytes = otlp_bytes(window);
  const auto links = WireMessage(bytes).message(2).messages(4);
  REQUIRE(links.size() == 2);
  CHECK(links[0].fields().empty());
  CHECK(links[1].bytes(1) == "\1\2\3\4\5\6\7\x8\x9\xA\xB\xC\xD\xE\xF\x10");
  CHECK(links[1].bytes(2) == std::string(8, '\xAB'));
  CHECK_FALSE(samples_of(bytes, 0)[0].has(3));
  CHECK(samples_of(bytes, 0)[1].number(3) == 1);
}

TEST_CASE("an attribute's value is set even if it is 0 or empty, and the empty entry's is not") {
  SampleWindow window = small_window({1});
  Dictionary& d = window.dictionary;
  const std::array<Index, 3> set = {d.int_attribute("zero", 0, "By"), d.int_attribute("minus", -1),
                                    d.string_attribute("empty", "")};
  window.profiles[0].samples[0].attributes = d.intern_attribute_set(set);
  const std::string bytes = otlp_bytes(window);
  const WireMessage dictionary = WireMessage(bytes).message(2);
  const auto strings = dictionary.all(5);
  const auto attributes = dictionary.messages(6);
  REQUIRE(attributes.size() == 4);
  CHECK(attributes[0].fields().empty());
  for (std::size_t i = 1; i < 4; ++i) {
    const std::string& key = strings.at(attributes[i].number(1)).bytes;
    const WireMessage value = attributes[i].message(2);
    REQUIRE(value.fields().size() == 1);
    CHECK(value.fields()[0].number == (key == "empty" ? 1U : 3U));
    CHECK(value.number(3) == (key == "minus" ? ~std::uint64_t{0} : 0U));
    CHECK(strings.at(attributes[i].number(3)).bytes == (key == "zero" ? "By" : ""));
  }
  CHECK(samples_of(bytes, 0)[0].packed_varints(2).size() == 3);
}

TEST_CASE("mappings carry their build ids, locations their frame type, profiles their attributes") {
  const SampleWindow window = test::make_sample_window({});
  const std::string bytes = otlp_bytes(window);
  const WireMessage dictionary = WireMessage(bytes).message(2);
  const auto strings = dictionary.all(5);
  const auto attributes = dictionary.messages(6);
  const auto keys = [&](const std::vector<std::uint64_t>& set) {
    std::set<std::string> found;
    for (const std::uint64_t i : set) found.insert(strings.at(attributes.at(i).number(1)).bytes);
    return found;
  };
  std::size_t with_gnu = 0;
  const auto mappings = dictionary.messages(1);
  REQUIRE(mappings.size() == 4);
  for (std::size_t i = 1; i < mappings.size(); ++i) {
    const auto found = keys(mappings[i].packed_varints(5));
    CHECK(found.contains("process.executable.build_id.htlhash"));
    with_gnu += found.contains("process.executable.build_id.gnu") ? 1 : 0;
  }
  CHECK(with_gnu == 2);
  const auto locations = dictionary.messages(2);
  for (std::size_t i = 1; i < locations.size(); ++i) {
    REQUIRE(keys(locations[i].packed_varints(4)) == std::set<std::string>{"profile.frame.type"});
  }
  for (const WireMessage& profile : profiles_of(bytes)) {
    CHECK(keys(profile.packed_varints(11)) == std::set<std::string>{"otprof.engine"});
  }
}

TEST_CASE("resource and scope are literal, and valid UTF-8 whatever they were") {
  SampleWindow window = small_window({1});
  window.resource.attributes = {
      {"service.name", "a\xFF"}, {"process.pid", std::int64_t{0}}, {"empty", ""}};
  window.resource.schema_url = "url";
  window.scope = {.name = "name", .version = "1", .attributes = {{"k", std::int64_t{5}}}};
  const std::string bytes = otlp_bytes(window);
  const WireMessage resource_profiles = WireMessage(bytes).message(1);
  CHECK(resource_profiles.bytes(3) == "url");
  const auto attributes = resource_profiles.message(1).messages(1);
  REQUIRE(attributes.size() == 3);
  CHECK(attributes[0].bytes(1) == "service.name");
  CHECK(attributes[0].message(2).bytes(1) == "a\xEF\xBF\xBD");
  CHECK(attributes[1].message(2).has(3));
  CHECK(attributes[1].message(2).number(3) == 0);
  CHECK(attributes[2].message(2).has(1));
  const WireMessage scope = resource_profiles.message(2).message(1);
  CHECK(scope.bytes(1) == "name");
  CHECK(scope.bytes(2) == "1");
  CHECK(scope.messages(3).at(0).message(2).number(3) == 5);
}

TEST_CASE("a payload goes to its slice's first profile; format and bytes only together") {
  const SampleWindow window = test::make_sample_window({});
  const std::string payload(100'000, 'p');
  const std::vector<OriginalPayload> payloads = {{"pprof", ""}, {"pprof", payload}};
  const std::string bytes = otlp_bytes(window, test::whole_request(window.profiles), payloads);
  const auto profiles = profiles_of(bytes);
  REQUIRE(profiles.size() == 5);
  for (std::size_t i = 0; i < profiles.size(); ++i) {
    CHECK(profiles[i].bytes(9) == (i == 1 ? "pprof" : ""));
    CHECK(profiles[i].bytes(10) == (i == 1 ? payload : ""));
  }
}

TEST_CASE("a sink that fails anywhere ends the encoding") {
  const SampleWindow window = test::make_sample_window({.cpu_samples = 20, .heap_samples = 20});
  const Request request = test::whole_request(window.profiles);
  const std::size_t size = otlp_bytes(window).size();
  for (std::size_t limit = 0; limit < size; limit += 97) {
    std::string out;
    StringSink sink(out, limit);
    REQUIRE_FALSE(encode_otlp(window.dictionary, window.resource, window.scope, request, {}, sink));
    REQUIRE(out.size() <= limit);
  }
  std::string out;
  StringSink sink(out, size);
  CHECK(encode_otlp(window.dictionary, window.resource, window.scope, request, {}, sink));
}

}  // namespace
}  // namespace otprof::encoder
