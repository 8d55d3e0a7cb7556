// SPDX-License-Identifier: Apache-2.0
#include "test/unit/encoder/random_window.h"

#include <limits>
#include <random>
#include <set>
#include <string>
#include <tuple>

namespace otprof::test {
namespace {

using encoder::Dictionary;
using encoder::Index;
using encoder::Line;
using encoder::Profile;
using encoder::Sample;

class Maker {
 public:
  explicit Maker(std::uint64_t seed) : random_(seed), dictionary_(window_.dictionary) {}

  SampleWindow make() {
    window_.resource.attributes = {{"service.name", bytes()}, {"process.pid", number()}};
    window_.scope = {.name = "s", .version = "v", .attributes = {{"k", bytes()}}};
    const std::uint64_t profiles = below(3) + 1;
    for (std::uint64_t i = 0; i < profiles; ++i) {
      window_.profiles.push_back(make_profile(static_cast<std::uint8_t>(i)));
    }
    return std::move(window_);
  }

 private:
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  bool chance(std::uint64_t one_in) { return below(one_in) == 0; }

  std::uint64_t big() {
    switch (below(4)) {
      case 0: return 0;
      case 1: return below(300);
      case 2: return std::numeric_limits<std::uint64_t>::max() - below(2);
      default: return random_() >> below(64);
    }
  }
  std::int64_t number() { return static_cast<std::int64_t>(big()); }

  // Any bytes, the encoder must cope.
  std::string bytes() {
    std::string text(below(12), '\0');
    for (char& byte : text) byte = static_cast<char>(chance(3) ? random_() : 'a' + below(4));
    return text;
  }
  Index string() { return chance(4) ? 0 : dictionary_.intern_string(bytes()); }

  Index make_attribute() {
    const char* const keys[] = {"thread.id", "trace_id", "span_id", "pprof::x", "bytes", "k"};
    const std::string key = chance(5) ? bytes() : keys[below(6)];
    if (chance(2)) return dictionary_.string_attribute(key, chance(4) ? "" : bytes());
    return dictionary_.int_attribute(key, number(), chance(2) ? "By" : bytes());
  }
  Index make_attribute_set() {
    std::vector<Index> set;
    for (std::uint64_t i = below(5); i > 0; --i) set.push_back(make_attribute());
    return dictionary_.intern_attribute_set(set);
  }

  Index make_location() {
    const encoder::Mapping mapping = {.memory_start = big(),
                                      .memory_limit = big(),
                                      .file_offset = chance(2) ? 0 : big(),
                                      .filename = string(),
                                      .build_id_gnu = string(),
                                      .build_id_htl = string()};
    std::vector<Line> lines;
    for (std::uint64_t i = below(4); i > 0; --i) {
      const Index function = dictionary_.intern_function({.name = string(),
                                                          .system_name = string(),
                                                          .filename = string(),
                                                          .start_line = number()});
      lines.push_back({.function = function, .line = number(), .column = number()});
    }
    return dictionary_.intern_location(
        {.mapping = chance(4) ? 0 : dictionary_.intern_mapping(mapping),
         .address = big(),
         .frame_type = chance(3) ? 0 : dictionary_.intern_string("native"),
         .lines = lines});
  }

  Index make_stack() {
    std::vector<Index> frames;
    for (std::uint64_t i = chance(20) ? 400 : below(8); i > 0; --i) {
      if (locations_.empty() || chance(3)) {
        const Index location = make_location();
        if (location != 0) locations_.push_back(location);
      }
      if (!locations_.empty()) frames.push_back(locations_[below(locations_.size())]);
    }
    return dictionary_.intern_stack(frames);
  }

  Index make_link() {
    encoder::Link link;
    link.trace_id[below(16)] = static_cast<std::uint8_t>(random_());
    link.span_id[below(8)] = static_cast<std::uint8_t>(random_());
    return chance(2) ? 0 : dictionary_.intern_link(link);
  }

  Profile make_profile(std::uint8_t id) {
    Profile profile;
    const std::uint64_t types = below(4) + 1;
    for (std::uint32_t type = 0; type < types; ++type) {
      profile.sample_types.push_back(
          {.type = dictionary_.intern_string("p" + std::to_string(id) + "t" + std::to_string(type)),
           .unit = dictionary_.intern_string("count")});
      profile.otlp_types.insert(profile.otlp_types.begin(), type);
    }
    profile.counted_type = chance(2) ? static_cast<int>(below(types)) : -1;
    const bool timestamps = profile.counted_type >= 0 && !chance(3);
    profile.default_type = static_cast<std::uint32_t>(below(types));
    profile.otlp_period_type = profile.pprof_period_type = profile.sample_types[0];
    profile.period = number();
    profile.time_unix_nano = big();
    profile.duration_nano = big();
    profile.profile_id.fill(id);
    profile.attributes = make_attribute_set();
    profile.comments = {string(), string()};
    std::set<std::tuple<Index, Index, Index>> identities;
    for (std::uint64_t i = below(120); i > 0; --i) {
      Sample sample{.stack = make_stack(), .attributes = make_attribute_set(), .link = make_link()};
      if (!identities.insert({sample.stack, sample.attributes, sample.link}).second) continue;
      std::vector<std::int64_t> values;
      for (std::uint64_t type = 0; type < types; ++type) values.push_back(number());
      if (timestamps) {
        sample.first_timestamp = static_cast<std::uint32_t>(profile.timestamps.size());
        sample.timestamp_count = static_cast<std::uint32_t>(below(4) + 1);
        values[static_cast<std::size_t>(profile.counted_type)] = sample.timestamp_count;
        for (std::uint32_t t = 0; t < sample.timestamp_count; ++t) {
          profile.timestamps.push_back(big());
        }
      }
      profile.samples.push_back(sample);
      profile.values.insert(profile.values.end(), values.begin(), values.end());
    }
    return profile;
  }

  SampleWindow window_;
  std::mt19937_64 random_;
  Dictionary& dictionary_;
  std::vector<Index> locations_;
};

}  // namespace

SampleWindow make_random_window(std::uint64_t seed) { return Maker(seed).make(); }

}  // namespace otprof::test
