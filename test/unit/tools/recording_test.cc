// SPDX-License-Identifier: Apache-2.0
#include "tools/recording.h"

#include <catch2/catch.hpp>
#include <map>

#include "test/unit/tools/small_profile.h"
#include "tools/pprof_file.h"
#include "tools/read_pprof.h"

namespace otprof::test {
namespace {

using tools::MergedProfile;
using tools::Process;
using tools::Recording;

void add(Recording& recording, const SmallProfile& small, const Process& process = {}) {
  encoder::Dictionary dictionary;
  recording.add(dictionary, make_profile(dictionary, small), process);
}

std::int64_t sum(const Recording& recording, std::string_view kind, std::string_view type) {
  const MergedProfile* profile = recording.find(kind);
  if (profile == nullptr) return -1;
  const int column = recording.column_of(*profile, type);
  if (column < 0) return -1;
  std::int64_t total = 0;
  for (std::size_t row = 0; row < profile->rows.size(); ++row) {
    total += profile->rows.value(row, static_cast<std::size_t>(column));
  }
  return total;
}

const Process kFirst{.executable = "a", .pid = 1};
const Process kSecond{.executable = "b", .pid = 2};

TEST_CASE("windows of one kind are added up, stack by stack") {
  Recording recording;
  add(recording, {.samples = {{"main;f", {3}}, {"main;g", {1}}}});
  add(recording, {.time = 2'000'000'000, .samples = {{"main;f", {2}}}});
  const MergedProfile* cpu = recording.find("cpu");
  REQUIRE(cpu != nullptr);
  CHECK(cpu->rows.size() == 2);
  CHECK(sum(recording, "cpu", "samples") == 6);
  CHECK(cpu->start_unix_nano == 1'000'000'000);
  CHECK(cpu->end_unix_nano == 3'000'000'000);
}

TEST_CASE("a CPU profile that only counts samples gets its time from the period") {
  Recording recording;
  add(recording, {.period = 10'000'000, .samples = {{"main", {3}}}});
  // The rate was changed: each window stands for what it was sampled with.
  add(recording, {.period = 20'000'000, .samples = {{"main", {1}}}});
  CHECK(sum(recording, "cpu", "cpu") == 50'000'000);
}

TEST_CASE("a CPU profile that has its time keeps it") {
  Recording recording;
  add(recording, {.types = {"samples/count", "cpu/nanoseconds"}, .samples = {{"main", {3, 77}}}});
  CHECK(sum(recording, "cpu", "cpu") == 77);
}

TEST_CASE("heap types that come as profiles of their own are columns of one") {
  Recording recording;
  for (const char* type : {"inuse_space/bytes", "alloc_objects/count", "alloc_space/bytes"}) {
    add(recording, {.types = {type}, .period_type = "space/bytes", .samples = {{"main;f", {4}}}});
  }
  const MergedProfile* heap = recording.find("heap");
  REQUIRE(heap != nullptr);
  CHECK(heap->rows.size() == 1);
  std::vector<std::string> order;
  for (const std::size_t column : recording.column_order(*heap)) {
    order.emplace_back(recording.dictionary().string(heap->types[column].type));
  }
  CHECK(order == std::vector<std::string>{"alloc_objects", "alloc_space", "inuse_space"});
}

TEST_CASE("events add up over windows, state is that of the last window of each process") {
  const auto window = [](std::uint64_t time, std::int64_t allocated, std::int64_t in_use,
                         const char* stack) {
    return SmallProfile{.types = {"alloc_space/bytes", "inuse_space/bytes"},
                        .period_type = "space/bytes",
                        .time = time,
                        .samples = {{stack, {allocated, in_use}}}};
  };
  Recording recording;
  add(recording, window(100, 10, 10, "main;f"), kFirst);
  add(recording, window(300, 5, 2, "main;g"), kFirst);
  add(recording, window(100, 7, 7, "main;f"), kSecond);
  CHECK(sum(recording, "heap", "alloc_space") == 22);
  CHECK(sum(recording, "heap", "inuse_space") == 9);
  SECTION("a window that arrives late does not change the state") {
    add(recording, window(200, 1, 100, "main;f"), kFirst);
    CHECK(sum(recording, "heap", "alloc_space") == 23);
    CHECK(sum(recording, "heap", "inuse_space") == 9);
  }
  SECTION("a window that came in two requests is one state") {
    add(recording, window(300, 1, 3, "main;f"), kFirst);
    CHECK(sum(recording, "heap", "inuse_space") == 12);
  }
}

TEST_CASE("a profile of several processes says which is which, and is read back so") {
  Recording recording;
  add(recording, {.samples = {{"main;f", {3}}}}, kFirst);
  add(recording, {.samples = {{"main;f", {4}}}}, kSecond);
  const std::string bytes = tools::pprof_file(recording, *recording.find("cpu"));
  encoder::Dictionary dictionary;
  const encoder::Profile read = tools::read_pprof(bytes, dictionary);
  CHECK(read.samples.size() == 2);
  Recording again;
  again.add(dictionary, read, {.instance = "file"});
  CHECK(again.processes() == std::vector<Process>{kFirst, kSecond});
  CHECK(sum(again, "cpu", "samples") == 7);
  CHECK(sum(again, "cpu", "cpu") == 70'000'000);
}

TEST_CASE("a profile of one process has no labels for it") {
  Recording recording;
  add(recording, {.samples = {{"main;f", {3}, "worker"}}}, kFirst);
  encoder::Dictionary dictionary;
  const encoder::Profile read =
      tools::read_pprof(tools::pprof_file(recording, *recording.find("cpu")), dictionary);
  REQUIRE(read.samples.size() == 1);
  CHECK(dictionary.attribute_sets()[read.samples[0].attributes].attributes.size() == 1);
  CHECK(tools::thread_of(dictionary, read.samples[0].attributes) == "worker");
}

TEST_CASE("above its limit a recording forgets the processes heard of least recently") {
  Recording recording(Recording::Keep::kThreads);
  for (int pid = 1; pid <= 16; ++pid) {
    SmallProfile small;
    for (int i = 0; i < 200; ++i) {
      small.samples.push_back(
          {"main;process" + std::to_string(pid) + ";f" + std::to_string(i), {1}, "worker"});
    }
    add(recording, small, {.executable = "x", .pid = pid});
  }
  add(recording, {.samples = {{"main;again", {5}}}}, {.executable = "x", .pid = 1});
  const std::size_t before = recording.memory_bytes();
  const std::size_t limit = before / 2;
  CHECK(recording.trim(before) == 0);
  const std::size_t forgotten = recording.trim(limit);
  CHECK(forgotten > 0);
  CHECK(forgotten < 16);
  CHECK(recording.memory_bytes() <= limit);
  CHECK(recording.processes().size() == 16 - forgotten);
  // The one heard of last is there with all it had; the one after it in age is not.
  std::map<std::int64_t, bool> there;
  for (const Process& process : recording.processes()) there[process.pid] = true;
  CHECK(there[1]);
  CHECK_FALSE(there[2]);
  CHECK(sum(recording, "cpu", "samples") == static_cast<std::int64_t>(200 * (16 - forgotten) + 5));
}

TEST_CASE("a process that alone is above the limit is forgotten too") {
  Recording recording;
  add(recording, {.samples = {{"main;f", {3}}}}, kFirst);
  CHECK(recording.trim(0) == 1);
  CHECK(recording.processes().empty());
}

TEST_CASE("values at the end of their range do not wrap around") {
  Recording recording;
  add(recording, {.samples = {{"main", {INT64_MAX}}}});
  add(recording, {.samples = {{"main", {INT64_MAX}}}});
  CHECK(recording.find("cpu")->rows.value(0, 0) == INT64_MAX);
  CHECK(tools::saturating_multiply(INT64_MIN, 2) == INT64_MIN);
  CHECK(tools::saturating_multiply(INT64_MIN, -2) == INT64_MAX);
  CHECK(tools::saturating_add(INT64_MIN, -1) == INT64_MIN);
}

}  // namespace
}  // namespace otprof::test
