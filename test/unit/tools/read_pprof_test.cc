// SPDX-License-Identifier: Apache-2.0
#include "tools/read_pprof.h"

#include <catch2/catch.hpp>

#include "encoder/pprof.h"
#include "test/unit/encoder/sample_window.h"
#include "test/unit/tools/small_profile.h"
#include "test/unit/tools/wire_writer.h"
#include "tools/input_error.h"

namespace otprof::test {
namespace {

using encoder::Dictionary;
using tools::InputError;
using tools::read_pprof;

// The parts of a correct file, each of which a test may replace.
struct Parts {
  std::string strings = message(6, "") + message(6, "samples") + message(6, "count") +
                        message(6, "f") + message(6, "/bin/app");  // 0 to 4
  std::string types = message(1, number(1, 1) + number(2, 2));
  std::string mappings = message(3, number(1, 1) + number(2, 4096) + number(5, 4));
  std::string functions = message(5, number(1, 7) + number(2, 3));
  std::string locations =
      message(4, number(1, 9) + number(2, 1) + number(3, 4097) + message(4, number(1, 7)));
  std::string samples = message(2, packed(1, {9}) + packed(2, {5}));

  std::string file() const { return samples + locations + functions + mappings + types + strings; }
};

std::string error_of(const std::string& bytes) {
  Dictionary dictionary;
  try {
    read_pprof(bytes, dictionary);
  } catch (const InputError& error) {
    return error.what();
  }
  return {};
}

TEST_CASE("a pprof file is read whatever the order of its fields") {
  Dictionary dictionary;
  const encoder::Profile profile = read_pprof(Parts{}.file(), dictionary);
  REQUIRE(profile.samples.size() == 1);
  REQUIRE(profile.values == std::vector<std::int64_t>{5});
  const encoder::Stack& stack = dictionary.stacks()[profile.samples[0].stack];
  REQUIRE(stack.locations.size() == 1);
  const encoder::Location& location = dictionary.locations()[stack.locations[0]];
  CHECK(location.address == 4097);
  CHECK(dictionary.string(dictionary.mappings()[location.mapping].filename) == "/bin/app");
  CHECK(dictionary.string(dictionary.functions()[location.lines[0].function].name) == "f");
}

TEST_CASE("equal pprof samples are summed, unpacked numbers are read") {
  Parts parts;
  parts.samples += message(2, number(1, 9) + number(2, 37));
  Dictionary dictionary;
  CHECK(read_pprof(parts.file(), dictionary).values == std::vector<std::int64_t>{42});
}

TEST_CASE("without a named default the last pprof type is shown first") {
  Parts parts;
  parts.types += message(1, number(1, 3) + number(2, 2));
  parts.samples = message(2, packed(1, {9}) + packed(2, {5, 6}));
  Dictionary dictionary;
  CHECK(read_pprof(parts.file(), dictionary).default_type == 1);
  CHECK(read_pprof(parts.file() + number(14, 1), dictionary).default_type == 0);
}

TEST_CASE("a pprof file that is not one is refused with the reason") {
  const auto with = [](std::string Parts::*part, const std::string& bytes) {
    Parts parts;
    parts.*part = bytes;
    return error_of(parts.file());
  };
  CHECK(error_of("") == "not a pprof profile: it has no strings");
  CHECK(with(&Parts::strings, message(6, "x")) ==
        "not a pprof profile: its first string is not empty");
  CHECK(with(&Parts::types, message(1, number(1, 99))) == "string index 99 outside the table of 5");
  CHECK(with(&Parts::types, "") == "samples but no sample types");
  CHECK(with(&Parts::samples, message(2, packed(1, {9}) + packed(2, {1, 2}))) ==
        "a sample with 2 values where 1 are declared");
  CHECK(with(&Parts::samples, message(2, packed(1, {8}) + packed(2, {1}))) ==
        "unknown location id 8");
  CHECK(with(&Parts::locations, message(4, number(3, 1))) == "location without an id");
  CHECK(with(&Parts::locations, message(4, number(1, 9)) + message(4, number(1, 9))) ==
        "location id 9 occurs twice");
  CHECK(with(&Parts::locations, message(4, number(1, 9) + message(4, number(1, 6)))) ==
        "unknown function id 6");
  CHECK(with(&Parts::functions, message(5, number(1, 0))) == "function without an id");
  CHECK(with(&Parts::samples, number(2, 1)) == "field 2 has an unexpected wire type");
  CHECK(error_of(number(9, 1) + number(9, 2)) == "two profiles in one file");
  CHECK(error_of(Parts{}.file() + "\x2a\x7f") == "not a protobuf message, or cut short");
  CHECK(error_of("\xff\xff\xff") == "not a protobuf message, or cut short");
}

TEST_CASE("a location of an unknown mapping has none, as in go tool pprof") {
  Parts parts;
  parts.mappings = "";
  Dictionary dictionary;
  read_pprof(parts.file(), dictionary);
  CHECK(dictionary.locations()[1].mapping == 0);
}

TEST_CASE("trace and span ids become a link, half of one stays a label") {
  Parts parts;
  parts.strings += message(6, "trace_id") + message(6, std::string(32, 'a')) +
                   message(6, "span_id") + message(6, std::string(16, 'b'));  // 5 to 8
  const std::string trace = message(3, number(1, 5) + number(2, 6));
  const std::string span = message(3, number(1, 7) + number(2, 8));
  parts.samples = message(2, packed(1, {9}) + packed(2, {1}) + trace + span);
  Dictionary dictionary;
  const encoder::Profile both = read_pprof(parts.file(), dictionary);
  CHECK(dictionary.links()[both.samples[0].link].trace_id[15] == 0xaa);
  CHECK(dictionary.links()[both.samples[0].link].span_id[0] == 0xbb);
  CHECK(both.samples[0].attributes == 0);

  parts.samples = message(2, packed(1, {9}) + packed(2, {1}) + trace);
  const encoder::Profile half = read_pprof(parts.file(), dictionary);
  CHECK(half.samples[0].link == 0);
  CHECK(half.samples[0].attributes != 0);
}

TEST_CASE("what the encoder writes as pprof is read back the same") {
  SampleWindow window = make_sample_window({});
  for (encoder::Profile& profile : window.profiles) {
    std::string bytes;
    encoder::StringSink sink(bytes);
    REQUIRE(encoder::encode_pprof(window.dictionary, profile, sink));
    Dictionary dictionary;
    const encoder::Profile read = read_pprof(bytes, dictionary);
    // The format has no timestamps.
    for (encoder::Sample& sample : profile.samples) sample.timestamp_count = 0;
    CHECK(describe(dictionary, read) == describe(window.dictionary, profile));
    CHECK(read.time_unix_nano == profile.time_unix_nano);
    CHECK(read.duration_nano == profile.duration_nano);
    CHECK(read.period == profile.period);
    CHECK(read.default_type == profile.default_type);
  }
}

}  // namespace
}  // namespace otprof::test
