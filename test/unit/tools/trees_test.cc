// SPDX-License-Identifier: Apache-2.0
//
// What is computed from a recording: totals per function, the call tree, and the page's JSON.
#include <catch2/catch.hpp>
#include <map>

#include "test/unit/tools/small_profile.h"
#include "tools/flame_html.h"
#include "tools/flame_json.h"
#include "tools/flame_tree.h"
#include "tools/frames.h"
#include "tools/function_totals.h"
#include "tools/recording.h"
#include "tools/top_table.h"

namespace otprof::test {
namespace {

using tools::Recording;

Recording record(const SmallProfile& small) {
  encoder::Dictionary dictionary;
  Recording recording;
  recording.add(dictionary, make_profile(dictionary, small), {.executable = "app", .pid = 1});
  return recording;
}

using SelfAndTotal = std::pair<std::int64_t, std::int64_t>;

std::map<std::string, SelfAndTotal> totals_by_name(const Recording& recording) {
  tools::FrameTable frames(recording.dictionary());
  std::map<std::string, SelfAndTotal> result;
  const tools::MergedProfile& profile = recording.profiles()[0];
  for (const tools::FunctionTotal& total : tools::function_totals(profile, 0, frames).functions) {
    result[frames[total.frame].name] = {total.self, total.total};
  }
  return result;
}

TEST_CASE("self is where a function is innermost, total where it is on the stack") {
  const auto totals =
      totals_by_name(record({.samples = {{"main;f;g", {3}}, {"main;f", {2}}, {"main;h", {1}}}}));
  CHECK(totals.at("main") == SelfAndTotal{0, 6});
  CHECK(totals.at("f") == SelfAndTotal{2, 5});
  CHECK(totals.at("g") == SelfAndTotal{3, 3});
  CHECK(totals.at("h") == SelfAndTotal{1, 1});
}

TEST_CASE("a function that recurses counts once per sample") {
  const auto totals = totals_by_name(
      record({.samples = {{"main;f;f;f", {3}}, {"main;f;g;f;g", {2}}, {"main;g;f", {1}}}}));
  CHECK(totals.at("f") == SelfAndTotal{4, 6});
  CHECK(totals.at("g") == SelfAndTotal{2, 3});
}

TEST_CASE("functions of one name in two modules are two functions") {
  const Recording recording =
      record({.samples = {{"main;init@/lib/a.so", {3}}, {"main;init@/lib/b.so", {4}}}});
  tools::FrameTable frames(recording.dictionary());
  const tools::FunctionTotals totals = tools::function_totals(recording.profiles()[0], 0, frames);
  CHECK(totals.functions.size() == 3);
  CHECK(totals.sum == 7);
  CHECK(frames[totals.functions[0].frame].module == "b.so");
}

TEST_CASE("addresses without a name are told by module and offset") {
  encoder::Dictionary dictionary;
  const encoder::Index mapping =
      dictionary.intern_mapping({.memory_start = 0x7000,
                                 .memory_limit = 0x9000,
                                 .file_offset = 0x1000,
                                 .filename = dictionary.intern_string("/lib/libx.so.1")});
  const encoder::Index known = dictionary.intern_location({.mapping = mapping, .address = 0x7010});
  const encoder::Index unknown = dictionary.intern_location({.mapping = 0, .address = 0x42});
  const encoder::Index kernel = dictionary.intern_location(
      {.mapping = 0, .address = 0x43, .frame_type = dictionary.intern_string("kernel")});
  const std::vector<encoder::Index> locations = {known, unknown, kernel};
  const encoder::Index stack = dictionary.intern_stack(locations);
  tools::FrameTable frames(dictionary);
  const std::vector<std::uint32_t> on_stack = frames.of_stack(stack);
  REQUIRE(on_stack.size() == 3);
  CHECK(frames[on_stack[0]].name == "libx.so.1+0x1010");
  CHECK(frames[on_stack[0]].module == "libx.so.1");
  CHECK(frames[on_stack[1]].name == "0x42");
  CHECK(frames[on_stack[2]].module == "[kernel]");
  CHECK(frames[frames.of_stack(0).front()].name == "(no stack)");
}

TEST_CASE("inlined functions are frames of their own") {
  encoder::Dictionary dictionary;
  const auto function = [&](const char* name) {
    return dictionary.intern_function({.name = dictionary.intern_string(name)});
  };
  const std::vector<encoder::Line> lines = {{.function = function("inner")},
                                            {.function = function("outer")}};
  const encoder::Index location = dictionary.intern_location({.address = 1, .lines = lines});
  tools::FrameTable frames(dictionary);
  const std::vector<std::uint32_t> on_stack =
      frames.of_stack(dictionary.intern_stack({&location, 1}));
  REQUIRE(on_stack.size() == 2);
  CHECK(frames[on_stack[0]].name == "inner");
  CHECK(frames[on_stack[1]].name == "outer");
}

TEST_CASE("the call tree has one node per path and keeps threads apart") {
  const Recording recording = record({.samples = {{"main;f;g", {3}, "one"},
                                                  {"main;f;g", {4}, "two"},
                                                  {"main;f", {5}, "one"},
                                                  {"main;g", {1}, "one"},
                                                  {"main;g", {0}, "two"}}});
  tools::FrameTable frames(recording.dictionary());
  tools::GroupTable groups;
  const tools::FlameTree tree =
      tools::flame_tree(recording, recording.profiles()[0], {0}, frames, groups);
  CHECK(tree.nodes.size() == 5);  // root, main, f, g under f, g under main
  for (std::size_t node = 1; node < tree.nodes.size(); ++node) {
    CHECK(tree.nodes[node].parent < node);
  }
  CHECK(tree.rows.size() == 4);
  CHECK(groups.groups().size() == 2);
  std::map<std::string, std::int64_t> by_thread;
  for (const tools::FlameTree::Row& row : tree.rows) {
    by_thread[groups.groups()[row.group].thread] += row.values[0];
  }
  CHECK(by_thread == std::map<std::string, std::int64_t>{{"one", 9}, {"two", 4}});
}

TEST_CASE("no name can leave the page's script element or its JSON string") {
  const std::string hostile = "</script><img src=x onerror=alert(1)>\"\\\n<!--\xe2\x80\xa8/*DATA*/";
  const Recording recording = record({.samples = {{"main;" + hostile, {1}}}});
  const std::string json = tools::flame_json(recording, hostile);
  CHECK(json.find('<') == std::string::npos);
  CHECK(json.find('\n') == std::string::npos);
  CHECK(json.find("\\u003c/script\\u003e\\u003cimg src=x onerror=alert(1)\\u003e\\\"\\\\\\u000a"
                  "\\u003c!--\\u2028/*DATA*/") != std::string::npos);
  const std::string html = tools::flame_html(recording, hostile);
  CHECK(html.find("<img src=x") == std::string::npos);
  CHECK(html.find(json) != std::string::npos);
}

TEST_CASE("the page loads nothing") {
  const std::string html = tools::flame_html(record({.samples = {{"main", {1}}}}), "t");
  for (const char* load : {"http://", "https://", "src=", "@import", "url("}) {
    INFO(load);
    CHECK(html.find(load) == std::string::npos);
  }
}

TEST_CASE("the table shortens long names and hides control characters") {
  const Recording recording =
      record({.samples = {{"main;" + std::string(200, 'x'), {1}}, {"main;\x1b[31mred", {1}}}});
  const std::string table = tools::top_table(recording, recording.profiles()[0],
                                             {.functions = 10, .width = 100, .type = "samples"});
  CHECK(table.find('\x1b') == std::string::npos);
  CHECK(table.find("\\x1b[31mred") != std::string::npos);
  CHECK(table.find("xxx...xxx") != std::string::npos);
}

}  // namespace
}  // namespace otprof::test
