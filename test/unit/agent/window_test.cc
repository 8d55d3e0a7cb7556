// SPDX-License-Identifier: Apache-2.0
#include "agent/window.h"

#include <catch2/catch.hpp>

#include "agent/cpu_profile.h"

namespace agent = otprof::agent;
namespace encoder = otprof::encoder;
namespace symbols = otprof::symbols;
namespace unwind = otprof::unwind;
using agent::Sample;
using agent::Window;

namespace {

Sample sample_at(std::uint64_t ns, std::int32_t tid, std::size_t depth) {
  Sample sample;
  sample.monotonic_ns = ns;
  sample.tid = tid;
  sample.depth = static_cast<std::uint16_t>(depth);
  return sample;
}

struct Modules {
  symbols::ModuleMap map;
  Modules() { map.refresh(); }
};

std::uint64_t address_of(void (*function)()) { return reinterpret_cast<std::uint64_t>(function); }
void first() {}
void second() { asm volatile("nop"); }

}  // namespace

TEST_CASE("equal samples merge; another stack, thread, name or end does not") {
  const Modules modules;
  Window window(1000, true);
  const std::uint64_t a[] = {address_of(first), address_of(second)};
  const std::uint64_t b[] = {address_of(second), address_of(first)};
  window.add(modules.map, sample_at(1001, 1, 2), a, "x");
  window.add(modules.map, sample_at(1002, 1, 2), a, "x");
  window.add(modules.map, sample_at(1003, 1, 2), b, "x");
  window.add(modules.map, sample_at(1004, 2, 2), a, "x");
  window.add(modules.map, sample_at(1005, 1, 2), a, "y");
  Sample cut = sample_at(1006, 1, 2);
  cut.end = unwind::StackEnd::kDepthLimit;
  cut.weight = 3;
  window.add(modules.map, cut, a, "x");

  REQUIRE(window.samples().size() == 5);
  CHECK(window.samples()[0].count == 2);
  CHECK(window.samples()[0].times == std::vector<std::uint64_t>{1001, 1002});
  CHECK(window.samples()[4].count == 3);
  CHECK(window.samples()[4].times.size() == 3);
  CHECK(window.counters().samples == 6);
  CHECK(window.counters().stack_ends[static_cast<std::size_t>(unwind::StackEnd::kRoot)] == 5);
  CHECK(window.counters().stack_ends[static_cast<std::size_t>(unwind::StackEnd::kDepthLimit)] == 1);
}

TEST_CASE("a profile keeps the window's sums, times inside it, and the program first") {
  Modules modules;
  Window window(1'000'000, true);
  const std::uint64_t stack[] = {address_of(first), address_of(second)};
  window.add(modules.map, sample_at(999'000, 1, 2), stack, "early");
  window.add(modules.map, sample_at(1'500'000, 1, 2), stack, "in time");
  window.add(modules.map, sample_at(2'500'000, 1, 2), stack, "late");

  symbols::Symbolizer symbolizer;
  encoder::Dictionary dictionary;
  const encoder::Profile profile = agent::make_cpu_profile(window,
                                                           {.end_ns = 2'000'000,
                                                            .unix_minus_monotonic = 7,
                                                            .period_ns = 10,
                                                            .sampling = {.engine = "test"}},
                                                           modules.map, symbolizer, dictionary);
  CHECK(profile.time_unix_nano == 1'000'007);
  CHECK(profile.duration_nano == 1'000'000);
  CHECK(profile.samples.size() == 3);
  CHECK(profile.values == std::vector<std::int64_t>{1, 10, 1, 10, 1, 10});
  CHECK(profile.timestamps == std::vector<std::uint64_t>{1'000'007, 1'500'007, 2'000'006});
  REQUIRE(dictionary.mappings().size() > 1);
  CHECK(dictionary.string(dictionary.mappings()[1].filename) == modules.map.main_module().path);
}

TEST_CASE("an address in no module still gives a location") {
  Modules modules;
  Window window(0, false);
  const std::uint64_t stack[] = {0x10};
  window.add(modules.map, sample_at(1, 1, 1), stack, "jit");
  symbols::Symbolizer symbolizer;
  encoder::Dictionary dictionary;
  const encoder::Profile profile = agent::make_cpu_profile(
      window, {.end_ns = 10, .period_ns = 1, .sampling = {.engine = "test"}}, modules.map,
      symbolizer, dictionary);
  REQUIRE(profile.samples.size() == 1);
  CHECK(profile.timestamps.empty());
  const encoder::Location& location =
      dictionary.locations()[dictionary.stacks()[profile.samples[0].stack].locations[0]];
  CHECK(location.address == 0x10);
  CHECK(dictionary.string(dictionary.mappings()[location.mapping].filename) == "//anon");
}
