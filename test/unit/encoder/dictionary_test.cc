// SPDX-License-Identifier: Apache-2.0
#include "encoder/dictionary.h"

#include <catch2/catch.hpp>

#include "encoder/attribute_keys.h"

namespace otprof::encoder {
namespace {

TEST_CASE("a new dictionary has the zero entry in each table") {
  const Dictionary dictionary;
  CHECK(dictionary.string(0).empty());
  CHECK(dictionary.mappings().size() == 1);
  CHECK(dictionary.mappings()[0] == Mapping{});
  CHECK(dictionary.functions().size() == 1);
  CHECK(dictionary.functions()[0] == Function{});
  CHECK(dictionary.locations().size() == 1);
  CHECK(dictionary.locations()[0].lines.empty());
  CHECK(dictionary.stacks().size() == 1);
  CHECK(dictionary.stacks()[0].locations.empty());
  CHECK(dictionary.links().size() == 1);
  CHECK(dictionary.links()[0] == Link{});
  CHECK(dictionary.attributes().size() == 1);
  CHECK(dictionary.attribute_sets().size() == 1);
  CHECK(dictionary.attribute_sets()[0].attributes.empty());
}

TEST_CASE("what means nothing is entry 0") {
  Dictionary dictionary;
  CHECK(dictionary.intern_string("") == 0);
  CHECK(dictionary.intern_mapping({}) == 0);
  CHECK(dictionary.intern_function({}) == 0);
  CHECK(dictionary.intern_function({.start_line = 7}) == 0);
  CHECK(dictionary.intern_location({}) == 0);
  CHECK(dictionary.intern_stack({}) == 0);
  CHECK(dictionary.intern_link({}) == 0);
  Link half;
  half.trace_id.fill(1);
  CHECK(dictionary.intern_link(half) == 0);
  CHECK(dictionary.intern_attribute({}) == 0);
  CHECK(dictionary.intern_attribute({.key = 0, .value = std::int64_t{3}}) == 0);
  CHECK(dictionary.intern_attribute_set({}) == 0);
  const std::array<Index, 2> zeros{};
  CHECK(dictionary.intern_attribute_set(zeros) == 0);
}

TEST_CASE("strings are interned by value") {
  Dictionary dictionary;
  const Index a = dictionary.intern_string("a");
  const Index b = dictionary.intern_string("b");
  CHECK(a != b);
  CHECK(dictionary.intern_string(std::string("a")) == a);
  CHECK(dictionary.string(b) == "b");
  CHECK(dictionary.find_string("a") == a);
  CHECK(dictionary.find_string("c") == 0);
  CHECK(dictionary.find_string("") == 0);
  const Index broken = dictionary.intern_string("x\xFFy");
  CHECK(dictionary.string(broken) == "x\xEF\xBF\xBDy");
  CHECK(dictionary.intern_string("x\xEF\xBF\xBDy") == broken);
  const Index nul = dictionary.intern_string(std::string_view("a\0", 2));
  CHECK(nul != a);
  CHECK(dictionary.string(nul).size() == 2);
}

TEST_CASE("entries that differ in any one field are different") {
  Dictionary dictionary;
  const Mapping mapping = {1, 2, 3, 4, 0, 0};
  const Index first = dictionary.intern_mapping(mapping);
  CHECK(dictionary.intern_mapping(mapping) == first);
  for (Mapping other :
       {Mapping{9, 2, 3, 4, 0, 0}, Mapping{1, 9, 3, 4, 0, 0}, Mapping{1, 2, 9, 4, 0, 0},
        Mapping{1, 2, 3, 9, 0, 0}, Mapping{1, 2, 3, 4, 9, 0}, Mapping{1, 2, 3, 4, 0, 9}}) {
    CHECK(dictionary.intern_mapping(other) != first);
  }
  CHECK(dictionary.mappings().size() == 8);

  const Index function = dictionary.intern_function({1, 2, 3, 4});
  CHECK(dictionary.intern_function({1, 2, 3, 4}) == function);
  CHECK(dictionary.intern_function({1, 2, 3, 5}) != function);
  CHECK(dictionary.intern_function({2, 1, 3, 4}) != function);

  const std::vector<Line> lines = {{1, 10, 0}, {2, 20, 0}};
  const std::vector<Line> swapped = {{2, 20, 0}, {1, 10, 0}};
  const Index location = dictionary.intern_location({1, 100, 0, lines});
  CHECK(dictionary.intern_location({1, 100, 0, std::vector<Line>(lines)}) == location);
  CHECK(dictionary.intern_location({1, 100, 0, swapped}) != location);
  CHECK(dictionary.intern_location({1, 100, 0, {}}) != location);
  CHECK(dictionary.intern_location({1, 100, 7, lines}) != location);
  CHECK(dictionary.intern_location({2, 100, 0, lines}) != location);
  CHECK(dictionary.intern_location({1, 101, 0, lines}) != location);

  const Index text = dictionary.intern_attribute({.key = 1, .value = Index{5}});
  CHECK(dictionary.intern_attribute({.key = 1, .value = Index{5}}) == text);
  CHECK(dictionary.intern_attribute({.key = 1, .value = std::int64_t{5}}) != text);
  CHECK(dictionary.intern_attribute({.key = 1, .value = Index{5}, .unit = 1}) != text);
}

TEST_CASE("a stack's order counts, an attribute set's does not") {
  Dictionary dictionary;
  const std::array<Index, 3> up = {1, 2, 3};
  const std::array<Index, 3> down = {3, 2, 1};
  CHECK(dictionary.intern_stack(up) == dictionary.intern_stack(up));
  CHECK(dictionary.intern_stack(up) != dictionary.intern_stack(down));
  const Index a = dictionary.string_attribute("a", "1");
  const Index b = dictionary.string_attribute("b", "1");
  const std::array<Index, 3> ab = {a, 0, b};
  const std::array<Index, 3> ba = {b, a, b};
  const Index set = dictionary.intern_attribute_set(ab);
  CHECK(dictionary.intern_attribute_set(ba) == set);
  CHECK(dictionary.attribute_sets()[set].attributes.size() == 2);
}

TEST_CASE("of two attributes with one key the last wins") {
  Dictionary dictionary;
  const Index one = dictionary.string_attribute("key", "1");
  const Index other = dictionary.string_attribute("other", "1");
  const Index two = dictionary.int_attribute("key", 2);
  const std::array<Index, 3> two_last = {one, other, two};
  const std::array<Index, 3> one_last = {two, one, other};
  const auto set = [&](std::span<const Index> attributes) {
    const Index index = dictionary.intern_attribute_set(attributes);
    const auto span = dictionary.attribute_sets()[index].attributes;
    return std::vector<Index>(span.begin(), span.end());
  };
  CHECK(set(two_last) == std::vector<Index>{other, two});
  CHECK(set(one_last) == std::vector<Index>{one, other});
}

TEST_CASE("what OTLP writes of mappings and locations can be looked up") {
  Dictionary dictionary;
  const Index gnu = dictionary.intern_string("abcd");
  dictionary.intern_mapping({.filename = dictionary.intern_string("f"), .build_id_gnu = gnu});
  CHECK(dictionary.find_attribute({.key = dictionary.find_string(kBuildIdGnuKey), .value = gnu}) !=
        0);
  const Index native = dictionary.intern_string("native");
  dictionary.intern_location({.address = 4, .frame_type = native});
  CHECK(dictionary.find_attribute(
            {.key = dictionary.find_string(kFrameTypeKey), .value = native}) != 0);
  CHECK(dictionary.find_attribute({.key = native, .value = native}) == 0);
}

TEST_CASE("entries stay where they are while the tables grow and the dictionary moves") {
  Dictionary first;
  std::vector<Index> strings;
  std::vector<Index> stacks;
  for (Index i = 0; i < 20'000; ++i) {
    strings.push_back(first.intern_string("string " + std::to_string(i)));
    const std::array<Index, 3> frames = {i, i + 1, i + 2};
    stacks.push_back(first.intern_stack(frames));
  }
  const std::string_view early = first.string(strings[3]);
  const Stack stack = first.stacks()[stacks[3]];
  Dictionary second = std::move(first);
  CHECK(early == "string 3");
  CHECK(early.data() == second.string(strings[3]).data());
  CHECK(stack.locations.data() == second.stacks()[stacks[3]].locations.data());
  for (Index i = 0; i < 20'000; ++i) {
    REQUIRE(second.intern_string("string " + std::to_string(i)) == strings[i]);
    const std::array<Index, 3> frames = {i, i + 1, i + 2};
    REQUIRE(second.intern_stack(frames) == stacks[i]);
  }
  Dictionary third;
  third.intern_string("gone");
  third = std::move(second);
  CHECK(third.string(strings[7]) == "string 7");
}

TEST_CASE("memory_bytes tells what the tables hold") {
  Dictionary dictionary;
  const std::size_t empty = dictionary.memory_bytes();
  CHECK(empty < 8192);
  std::vector<Index> frames(30);
  for (Index i = 0; i < 20'000; ++i) {
    frames[0] = i;
    dictionary.intern_stack(frames);
  }
  // 2.4 MB of indices; the table and its index come on top.
  CHECK(dictionary.memory_bytes() > 2'400'000);
  CHECK(dictionary.memory_bytes() < 4'000'000);
}

}  // namespace
}  // namespace otprof::encoder
