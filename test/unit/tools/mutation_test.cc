// SPDX-License-Identifier: Apache-2.0
//
// Files that were damaged on the way: whatever is flipped, cut out, repeated or put in, a reader
// either refuses the file or gives a profile that every command can work on.
#include <catch2/catch.hpp>
#include <random>

#include "encoder/otlp.h"
#include "encoder/pprof.h"
#include "test/unit/encoder/sample_window.h"
#include "tools/flame_json.h"
#include "tools/frames.h"
#include "tools/function_totals.h"
#include "tools/gzip.h"
#include "tools/input_error.h"
#include "tools/read_file.h"
#include "tools/read_otlp.h"
#include "tools/read_pprof.h"
#include "tools/recording.h"

namespace otprof::test {
namespace {

std::string mutated(std::string bytes, std::mt19937_64& random) {
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random() % limit); };
  const std::size_t changes = 1 + below(4);
  for (std::size_t i = 0; i < changes && !bytes.empty(); ++i) {
    const std::size_t at = below(bytes.size());
    const std::size_t length = std::min(below(24), bytes.size() - at);
    switch (below(5)) {
      case 0: bytes[at] = static_cast<char>(random()); break;
      case 1: bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8))); break;
      case 2: bytes.erase(at, length); break;
      case 3: bytes.insert(at, bytes.substr(below(bytes.size()), length)); break;
      default: bytes.resize(at); break;
    }
  }
  return bytes;
}

// What every command does with a recording.
void use(const tools::Recording& recording) {
  CHECK(!tools::flame_json(recording, "title").empty());
  for (const tools::MergedProfile& profile : recording.profiles()) {
    if (profile.types.empty()) continue;
    tools::FrameTable frames(recording.dictionary());
    tools::function_totals(profile, recording.shown_column(profile), frames);
  }
}

struct Outcome {
  int read = 0;
  int refused = 0;
};

template <class Read>
Outcome try_mutations(const std::string& bytes, int rounds, Read read) {
  std::mt19937_64 random(42);
  Outcome outcome;
  for (int round = 0; round < rounds; ++round) {
    const std::string damaged = mutated(bytes, random);
    tools::Recording recording;
    try {
      read(damaged, recording);
      ++outcome.read;
    } catch (const tools::InputError& error) {
      CHECK(std::string_view(error.what()).find('\n') == std::string_view::npos);
      ++outcome.refused;
      continue;
    }
    use(recording);
  }
  return outcome;
}

TEST_CASE("damaged pprof files are refused or read") {
  const SampleWindow window =
      make_sample_window({.cpu_samples = 12, .heap_samples = 6, .depth = 8});
  for (const encoder::Profile& profile : window.profiles) {
    std::string bytes;
    encoder::StringSink sink(bytes);
    REQUIRE(encoder::encode_pprof(window.dictionary, profile, sink));
    const Outcome outcome =
        try_mutations(bytes, 1500, [](const std::string& damaged, tools::Recording& recording) {
          encoder::Dictionary dictionary;
          recording.add(dictionary, tools::read_pprof(damaged, dictionary), {});
        });
    // Both ends of the test are reached.
    CHECK(outcome.read > 50);
    CHECK(outcome.refused > 50);
  }
}

TEST_CASE("damaged OTLP requests are refused or read") {
  const SampleWindow window =
      make_sample_window({.cpu_samples = 12, .heap_samples = 6, .depth = 8});
  std::size_t oversized = 0;
  const std::vector<encoder::Request> plan = encoder::plan_requests(
      window.dictionary, window.resource, window.scope, window.profiles, {}, oversized);
  std::string bytes;
  encoder::StringSink sink(bytes);
  REQUIRE(
      encoder::encode_otlp(window.dictionary, window.resource, window.scope, plan[0], {}, sink));
  const Outcome outcome =
      try_mutations(bytes, 3000, [](const std::string& damaged, tools::Recording& recording) {
        encoder::Dictionary dictionary;
        tools::add_request(tools::read_otlp(damaged, dictionary), dictionary, recording);
      });
  CHECK(outcome.read > 100);
  CHECK(outcome.refused > 100);
}

TEST_CASE("damaged gzip data is refused, or it decompresses to what the check sum says") {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += std::to_string(i);
  const std::string bytes = tools::gzip(text);
  CHECK(tools::gunzip(bytes, text.size()) == text);
  CHECK(tools::gunzip(bytes + bytes, 2 * text.size()) == text + text);
  CHECK_THROWS_AS(tools::gunzip(bytes, text.size() - 1), tools::InputError);
  CHECK_THROWS_AS(tools::gunzip(bytes.substr(0, bytes.size() - 1), 1 << 20), tools::InputError);
  std::mt19937_64 random(7);
  for (int round = 0; round < 500; ++round) {
    try {
      tools::gunzip(mutated(bytes, random), 1 << 20);
    } catch (const tools::InputError&) {
      continue;
    }
  }
}

}  // namespace
}  // namespace otprof::test
