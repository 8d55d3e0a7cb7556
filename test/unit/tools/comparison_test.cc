// SPDX-License-Identifier: Apache-2.0
//
// What `diff` and `leaks` make of recordings, and what is said of samples that are not whole.
#include <catch2/catch.hpp>

#include "test/unit/tools/small_profile.h"
#include "tools/flame_tree.h"
#include "tools/frames.h"
#include "tools/leak_sites.h"
#include "tools/share_changes.h"
#include "tools/top_table.h"

namespace otprof::test {
namespace {

using encoder::Index;
using tools::Recording;

void add(Recording& recording, const SmallProfile& small) {
  encoder::Dictionary dictionary;
  recording.add(dictionary, make_profile(dictionary, small), {.executable = "app", .pid = 1});
}

// Gives every sample of a profile one more label.
void label(encoder::Dictionary& dictionary, encoder::Profile& profile, std::string_view key,
           const std::vector<std::string>& values) {
  for (std::size_t i = 0; i < profile.samples.size(); ++i) {
    const Index attribute = dictionary.string_attribute(key, values[i]);
    profile.samples[i].attributes = dictionary.intern_attribute_set({&attribute, 1});
  }
}

TEST_CASE("shares are compared, not amounts, and functions of one side only are there") {
  Recording before;
  Recording after;
  add(before, {.samples = {{"main;f", {50}}, {"main;g", {30}}, {"main;gone", {20}}}});
  add(after, {.samples = {{"main;f", {500}}, {"main;g", {100}}, {"main;new", {400}}}});
  const auto changes = tools::share_changes(before, before.profiles()[0], after,
                                            after.profiles()[0], "samples", false);
  std::vector<std::string> lines;
  for (const tools::ShareChange& change : changes) {
    lines.push_back(change.function + " " + std::to_string(static_cast<int>(change.before)) + " " +
                    std::to_string(static_cast<int>(change.after)));
  }
  CHECK(lines ==
        std::vector<std::string>{"new 0 40", "g 30 10", "gone 20 0", "f 50 50", "main 0 0"});
  CHECK(tools::share_changes(before, before.profiles()[0], after, after.profiles()[0], "samples",
                             true)[3]
            .function == "main");
}

const std::vector<std::string> kHeapTypes = {"alloc_space/bytes", "inuse_objects/count",
                                             "inuse_space/bytes"};

TEST_CASE("leaks are ranked by what is in use, under the function that asked for it") {
  Recording recording;
  add(recording, {.types = kHeapTypes,
                  .period_type = "space/bytes",
                  .samples = {{"main;small;malloc@/lib/libc.so.6", {100, 1, 10}},
                              {"main;large;operator new(unsigned long)@/lib/libstdc++.so.6;"
                               "malloc@/lib/libc.so.6",
                               {100, 2, 50}},
                              {"main;large;calloc@/lib/libc.so.6", {5, 1, 5}},
                              {"main;freed;malloc@/lib/libc.so.6", {1000, 0, 0}}}});
  const auto sites = tools::leak_sites(recording, *recording.find("heap"));
  REQUIRE(sites.size() == 2);
  CHECK(sites[0].frames == std::vector<std::string>{"large", "main"});
  CHECK(sites[0].in_use_bytes == 55);
  CHECK(sites[0].in_use_objects == 3);
  CHECK(sites[0].allocated_bytes == 105);
  CHECK(sites[1].frames == std::vector<std::string>{"small", "main"});
}

TEST_CASE("ages of what is in use are summed, youngest first") {
  encoder::Dictionary dictionary;
  encoder::Profile profile = make_profile(dictionary, {.types = kHeapTypes,
                                                       .period_type = "space/bytes",
                                                       .samples = {{"main;f", {0, 1, 10}},
                                                                   {"main;f", {0, 1, 20}},
                                                                   {"main;f", {0, 1, 30}},
                                                                   {"main;f", {7, 0, 0}}}});
  label(dictionary, profile, "otprof.heap.age", {">=1d", "<1s", "<10m", "<1s"});
  Recording recording;
  recording.add(dictionary, profile, {});
  const auto sites = tools::leak_sites(recording, *recording.find("heap"));
  REQUIRE(sites.size() == 1);
  CHECK(sites[0].by_age ==
        std::vector<std::pair<std::string, std::int64_t>>{{"<1s", 20}, {"<10m", 30}, {">=1d", 10}});
}

TEST_CASE("a stack that was cut off does not pass for a thread's whole stack") {
  encoder::Dictionary dictionary;
  encoder::Profile profile =
      make_profile(dictionary, {.samples = {{"main;f", {1}}, {"f", {2}}, {"f", {3}}}});
  label(dictionary, profile, "otprof.stack.end", {"", "no_unwind_info", "no_unwind_info"});
  Recording recording(Recording::Keep::kThreads);
  recording.add(dictionary, profile, {});
  tools::FrameTable frames(recording.dictionary());
  tools::GroupTable groups;
  const tools::FlameTree tree =
      tools::flame_tree(recording, recording.profiles()[0], {0}, frames, groups);
  REQUIRE(tree.nodes.size() == 5);  // root, main, f, cut off, f
  std::vector<std::string> below_root;
  for (const tools::FlameTree::Node& node : tree.nodes) {
    if (&node != tree.nodes.data() && node.parent == 0) {
      below_root.push_back(frames[node.frame].name);
    }
  }
  CHECK(below_root == std::vector<std::string>{"main", "(cut off: no_unwind_info)"});
}

TEST_CASE("what the agent counted is summed up and said") {
  Recording recording;
  for (int window = 0; window < 2; ++window) {
    encoder::Dictionary dictionary;
    encoder::Profile profile = make_profile(dictionary, {.samples = {{"main", {1}}}});
    const std::vector<Index> facts = {dictionary.string_attribute("otprof.cpu.engine", "sigtrap"),
                                      dictionary.int_attribute("otprof.samples.lost", 4)};
    profile.attributes = dictionary.intern_attribute_set(facts);
    recording.add(dictionary, profile, {});
  }
  CHECK(tools::summary_line(recording, recording.profiles()[0]) ==
        "2 samples, 20.0 ms of CPU time in 1.00 s (engine sigtrap), 8 lost");
}

}  // namespace
}  // namespace otprof::test
