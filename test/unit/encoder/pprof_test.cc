// SPDX-License-Identifier: Apache-2.0
#include "encoder/pprof.h"

#include <catch2/catch.hpp>
#include <map>

#include "test/unit/encoder/encode.h"
#include "test/unit/encoder/wire_reader.h"

namespace otprof::encoder {
namespace {

using test::pprof_bytes;
using test::SampleWindow;
using test::WireField;
using test::WireMessage;

std::string string(const WireMessage& file, std::uint64_t index) {
  return file.all(6).at(index).bytes;
}

// One profile of type samples/count with one sample for each of `sets`.
SampleWindow window_with(const std::vector<std::vector<Location>>& stacks) {
  SampleWindow window;
  Dictionary& d = window.dictionary;
  Profile profile;
  profile.sample_types = {{.type = d.intern_string("samples"), .unit = d.intern_string("count")}};
  profile.pprof_period_type = profile.sample_types[0];
  profile.period = 1;
  for (const std::vector<Location>& stack : stacks) {
    std::vector<Index> frames;
    frames.reserve(stack.size());
    for (const Location& location : stack) frames.push_back(d.intern_location(location));
    profile.samples.push_back({.stack = d.intern_stack(frames)});
    profile.values.push_back(1);
  }
  window.profiles.push_back(std::move(profile));
  return window;
}

// key -> "text" or "number unit"
std::map<std::string, std::string> labels_of(const WireMessage& file, std::size_t sample) {
  std::map<std::string, std::string> labels;
  for (const WireMessage& label : file.messages(2).at(sample).messages(3)) {
    const std::string value = label.has(2)
                                  ? std::string(string(file, label.number(2)))
                                  : std::to_string(static_cast<std::int64_t>(label.number(3))) +
                                        " " + std::string(string(file, label.number(4)));
    const bool first = labels.emplace(string(file, label.number(1)), value).second;
    CHECK(first);
  }
  return labels;
}

TEST_CASE("the header says what the profile is about") {
  const SampleWindow window = test::make_sample_window({});
  const std::string cpu_bytes = pprof_bytes(window, 0);
  const WireMessage cpu(cpu_bytes);
  CHECK(string(cpu, 0).empty());
  CHECK(cpu.number(9) == test::kWindowStart);
  CHECK(cpu.number(10) == test::kWindowLength);
  CHECK(string(cpu, cpu.message(11).number(1)) == "cpu");
  CHECK(string(cpu, cpu.message(11).number(2)) == "nanoseconds");
  CHECK(cpu.number(12) == 10'000'000);
  CHECK(string(cpu, cpu.packed_varints(13).at(0)) == "made up");
  CHECK(string(cpu, cpu.number(14)) == "cpu");
  const std::string heap_bytes = pprof_bytes(window, 1);
  const WireMessage heap(heap_bytes);
  std::vector<std::string> types;
  for (const WireMessage& type : heap.messages(1)) types.push_back(string(heap, type.number(1)));
  CHECK(types ==
        std::vector<std::string>{"alloc_objects", "alloc_space", "inuse_objects", "inuse_space"});
  CHECK(string(heap, heap.number(14)) == "inuse_space");
  CHECK(string(heap, heap.message(11).number(1)) == "space");
}

TEST_CASE("an empty profile is a valid file that still names the main executable") {
  const SampleWindow window = test::make_sample_window({.cpu_samples = 0, .heap_samples = 0});
  const std::string bytes = pprof_bytes(window, 0);
  const WireMessage file(bytes);
  CHECK(file.messages(2).empty());
  REQUIRE(file.messages(3).size() == 1);
  CHECK(string(file, file.messages(3)[0].number(5)) == "/srv/checkout/bin/checkout");
  CHECK(file.messages(4).empty());
}

TEST_CASE("the first interned mapping comes first even if another is used first") {
  SampleWindow window = window_with({});
  Dictionary& d = window.dictionary;
  const Index main = d.intern_mapping({.memory_limit = 1, .filename = d.intern_string("main")});
  const Index library = d.intern_mapping({.memory_limit = 2, .filename = d.intern_string("lib")});
  const std::array<Index, 2> frames = {d.intern_location({.mapping = library, .address = 1}),
                                       d.intern_location({.mapping = main, .address = 1})};
  window.profiles[0].samples.push_back({.stack = d.intern_stack(frames)});
  window.profiles[0].values.push_back(1);
  const std::string bytes = pprof_bytes(window, 0);
  const WireMessage file(bytes);
  REQUIRE(file.messages(3).size() == 2);
  CHECK(string(file, file.messages(3)[0].number(5)) == "main");
  CHECK(file.messages(4)[0].number(2) == 2);
}

TEST_CASE("a mapping's flags hold only if they hold for all of its locations") {
  SampleWindow window;
  Dictionary& d = window.dictionary;
  const Index file = d.intern_string("a.cc");
  const Index plain = d.intern_function({.name = d.intern_string("plain")});
  const Index full = d.intern_function({.name = d.intern_string("full"), .filename = file});
  const Line name{.function = plain, .line = 0, .column = 0};
  const Line line{.function = full, .line = 7, .column = 0};
  const Line no_number{.function = full, .line = 0, .column = 0};
  const Line no_function{.function = 0, .line = 7, .column = 0};
  const std::vector<Line> names = {name}, lines = {line}, inlined = {line, line},
                          files = {no_number}, mixed = {line, name}, unknown = {no_function};
  struct Case {
    std::vector<std::span<const Line>> locations;
    std::array<std::uint64_t, 4> flags;
  };
  const std::vector<Case> cases = {
      {{names, names}, {1, 0, 0, 0}},   {{names, {}}, {0, 0, 0, 0}},
      {{{}, lines}, {0, 0, 0, 0}},      {{lines, lines}, {1, 1, 1, 0}},
      {{lines, names}, {1, 0, 0, 0}},   {{lines, files}, {1, 1, 0, 0}},
      {{lines, inlined}, {1, 1, 1, 1}}, {{mixed}, {1, 0, 0, 1}},
      {{unknown, lines}, {0, 0, 0, 0}},
  };
  Profile profile;
  profile.sample_types = {{.type = d.intern_string("samples"), .unit = d.intern_string("count")}};
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const Index mapping = d.intern_mapping({.file_offset = i + 1});
    std::vector<Index> frames;
    for (const auto& location : cases[i].locations) {
      const std::uint64_t address = frames.size() + 1;
      frames.push_back(
          d.intern_location({.mapping = mapping, .address = address, .lines = location}));
    }
    profile.samples.push_back({.stack = d.intern_stack(frames)});
    profile.values.push_back(1);
  }
  window.profiles.push_back(std::move(profile));
  const std::string bytes = pprof_bytes(window, 0);
  const auto mappings = WireMessage(bytes).messages(3);
  REQUIRE(mappings.size() == cases.size());
  for (std::size_t i = 0; i < cases.size(); ++i) {
    INFO("case " << i);
    const std::array<std::uint64_t, 4> flags = {mappings[i].number(7), mappings[i].number(8),
                                                mappings[i].number(9), mappings[i].number(10)};
    CHECK(flags == cases[i].flags);
  }
}

TEST_CASE("attributes and links become labels, one for each key") {
  SampleWindow window = window_with({{{.address = 1}}, {{.address = 2}}});
  Dictionary& d = window.dictionary;
  Link link;
  link.trace_id.fill(0xAB);
  link.span_id.fill(0x01);
  const std::array<Index, 9> set = {d.int_attribute("thread.id", 12),
                                    d.string_attribute("thread.name", "main"),
                                    d.int_attribute("zero", 0),
                                    d.int_attribute("bytes", 64, "By"),
                                    d.int_attribute("wait", -5, "ns"),
                                    d.string_attribute("empty", ""),
                                    d.string_attribute("pprof::base", "x"),
                                    d.string_attribute("span_id", "mine"),
                                    d.int_attribute("no bytes", 0, "By")};
  window.profiles[0].samples[0].attributes = d.intern_attribute_set(set);
  window.profiles[0].samples[0].link = d.intern_link(link);
  window.profiles[0].samples[1].attributes = d.intern_attribute_set(set);
  const std::string bytes = pprof_bytes(window, 0);
  const WireMessage file(bytes);
  std::map<std::string, std::string> expected = {
      {"thread.id", "12 "}, {"thread.name", "main"}, {"zero", "0 zero"},     {"bytes", "64 bytes"},
      {"wait", "-5 ns"},    {"span_id", "mine"},     {"no bytes", "0 bytes"}};
  CHECK(labels_of(file, 1) == expected);
  expected["trace_id"] = "abababababababababababababababab";
  expected["span_id"] = "0101010101010101";
  CHECK(labels_of(file, 0) == expected);
}

TEST_CASE("no string is written twice, and those of other profiles not at all") {
  const SampleWindow window = test::make_sample_window({});
  for (std::size_t profile = 0; profile < 2; ++profile) {
    const std::string bytes = pprof_bytes(window, profile);
    std::map<std::string, int> count;
    for (const WireField& text : WireMessage(bytes).all(6)) ++count[text.bytes];
    for (const auto& [text, times] : count) {
      INFO(text);
      CHECK(times == 1);
    }
    CHECK(count.contains("inuse_space") == (profile == 1));
  }
}

TEST_CASE("a line without function is left out, its location stays") {
  const std::vector<Line> lines = {{.function = 0, .line = 3, .column = 0}};
  const SampleWindow window = window_with({{{.address = 9, .lines = lines}}});
  const std::string bytes = pprof_bytes(window, 0);
  const auto locations = WireMessage(bytes).messages(4);
  REQUIRE(locations.size() == 1);
  CHECK(locations[0].number(3) == 9);
  CHECK_FALSE(locations[0].has(4));
}

TEST_CASE("a sink that fails anywhere ends the encoding of a file") {
  const SampleWindow window = test::make_sample_window({.cpu_samples = 20, .heap_samples = 20});
  const std::size_t size = pprof_bytes(window, 1).size();
  for (std::size_t limit = 0; limit < size; limit += 61) {
    std::string out;
    StringSink sink(out, limit);
    REQUIRE_FALSE(encode_pprof(window.dictionary, window.profiles[1], sink));
    REQUIRE(out.size() <= limit);
  }
}

}  // namespace
}  // namespace otprof::encoder
