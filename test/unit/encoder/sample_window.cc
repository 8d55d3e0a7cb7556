// SPDX-License-Identifier: Apache-2.0
#include "test/unit/encoder/sample_window.h"

#include <random>
#include <string>
#include <unordered_set>

namespace otprof::test {
namespace {

using encoder::Dictionary;
using encoder::Index;
using encoder::Line;
using encoder::Profile;
using encoder::Sample;
using encoder::ValueType;

constexpr std::uint64_t kTextSize = 0x1000000;

class Maker {
 public:
  explicit Maker(const SampleWindowOptions& options)
      : options_(options), random_(options.seed), dictionary_(window_.dictionary) {}

  SampleWindow make() {
    make_resource();
    make_mappings();
    window_.profiles.push_back(make_cpu());
    window_.profiles.push_back(make_heap());
    return std::move(window_);
  }

 private:
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  ValueType value_type(const char* type, const char* unit) {
    return {.type = dictionary_.intern_string(type), .unit = dictionary_.intern_string(unit)};
  }

  void make_resource() {
    window_.resource.attributes = {
        {"service.name", "checkout"},
        {"service.instance.id", "6f2c6f5e-42a5-4c53-9bd1-6f5a0c6f2d11"},
        {"telemetry.sdk.name", "libotprof"},
        {"telemetry.sdk.language", "cpp"},
        {"telemetry.sdk.version", "0.1.0"},
        {"process.pid", std::int64_t{4242}},
        {"process.executable.name", "checkout"},
    };
    window_.resource.schema_url = "https://opentelemetry.io/schemas/1.44.0";
    window_.scope = {.name = "libotprof", .version = "0.1.0", .attributes = {}};
  }

  void make_mappings() {
    const char* const files[] = {"/srv/checkout/bin/checkout", "/srv/checkout/lib/libc.so.6",
                                 "/srv/checkout/lib/libbasket.so"};
    const char* const gnu[] = {"0123456789abcdef0123456789abcdef01234567",
                               "89abcdef0123456789abcdef0123456789abcdef", ""};
    const char* const htl[] = {"00112233445566778899aabbccddeeff",
                               "ffeeddccbbaa99887766554433221100",
                               "0f1e2d3c4b5a69788796a5b4c3d2e1f0"};
    std::uint64_t start = 0x555500000000;
    for (std::size_t i = 0; i < 3; ++i) {
      mappings_.push_back(
          dictionary_.intern_mapping({.memory_start = start,
                                      .memory_limit = start + kTextSize,
                                      .file_offset = 0x1000,
                                      .filename = dictionary_.intern_string(files[i]),
                                      .build_id_gnu = dictionary_.intern_string(gnu[i]),
                                      .build_id_htl = dictionary_.intern_string(htl[i])}));
      starts_.push_back(start);
      start += 2 * kTextSize;
    }
    native_ = dictionary_.intern_string("native");
  }

  Index make_function(std::size_t mapping, std::uint64_t offset) {
    const std::string number = std::to_string(offset / 0x400);
    const std::string name = "shop::Basket" + number + "::add(std::vector<Item> const&)";
    return dictionary_.intern_function(
        {.name = dictionary_.intern_string(name),
         .system_name = dictionary_.intern_string("_ZN4shop6Basket" + number + "3addE"),
         .filename = mapping == 2 ? dictionary_.intern_string("basket/basket.cc") : 0,
         .start_line = 0});
  }

  // libc has no lines at all, libbasket has files, lines and an inlined frame now and then.
  Index make_location() {
    const std::size_t mapping = below(3);
    const std::uint64_t offset = below(options_.addresses) * 16;
    std::vector<Line> lines;
    if (mapping != 1) {
      const bool debug = mapping == 2;
      lines.push_back({.function = make_function(mapping, offset),
                       .line = debug ? static_cast<std::int64_t>(offset % 997 + 1) : 0,
                       .column = 0});
      if (debug && offset % 64 == 0) {
        lines.push_back(
            {.function = make_function(mapping, offset + 0x400), .line = 7, .column = 3});
      }
    }
    return dictionary_.intern_location({.mapping = mappings_[mapping],
                                        .address = starts_[mapping] + offset,
                                        .frame_type = native_,
                                        .lines = lines});
  }

  // A step in a random tree: the new stack keeps the outer part of the one before.
  Index make_stack() {
    std::vector<Index> frames;
    const std::size_t depth = options_.depth / 2 + below(options_.depth) + 1;
    const std::size_t kept = last_.empty() ? 0 : below(last_.size());
    for (std::size_t i = kept; i < depth; ++i) frames.push_back(make_location());
    frames.insert(frames.end(), last_.end() - static_cast<std::ptrdiff_t>(kept), last_.end());
    last_ = frames;
    return dictionary_.intern_stack(frames);
  }

  Index make_link() {
    if (below(4) != 0) return 0;
    encoder::Link link;
    for (auto& byte : link.trace_id) byte = static_cast<std::uint8_t>(random_() | 1);
    for (auto& byte : link.span_id) byte = static_cast<std::uint8_t>(random_() | 1);
    return dictionary_.intern_link(link);
  }

  Index make_thread() {
    const auto number = static_cast<std::int64_t>(below(8));
    const std::array<Index, 2> set = {
        dictionary_.int_attribute("thread.id", 4242 + number),
        dictionary_.string_attribute("thread.name", "worker-" + std::to_string(number))};
    return dictionary_.intern_attribute_set(set);
  }

  Profile make_header(std::uint8_t id) {
    Profile profile;
    profile.time_unix_nano = kWindowStart;
    profile.duration_nano = kWindowLength;
    profile.profile_id.fill(id);
    profile.comments = {dictionary_.intern_string("made up")};
    const std::array<Index, 1> about = {dictionary_.string_attribute("otprof.engine", "sigtrap")};
    profile.attributes = dictionary_.intern_attribute_set(about);
    return profile;
  }

  Profile make_cpu() {
    Profile profile = make_header(0x11);
    profile.sample_types = {value_type("samples", "count"), value_type("cpu", "nanoseconds")};
    profile.otlp_types = {0};
    profile.counted_type = 0;
    profile.default_type = 1;
    profile.pprof_period_type = profile.otlp_period_type = profile.sample_types[1];
    profile.period = 10'000'000;
    std::unordered_set<Index> stacks;
    while (profile.samples.size() < options_.cpu_samples) {
      const Index stack = make_stack();
      if (!stacks.insert(stack).second) continue;
      const auto count = static_cast<std::uint32_t>(below(3) == 0 ? 1 + below(20) : 1);
      Sample sample{.stack = stack, .attributes = make_thread(), .link = make_link()};
      if (options_.timestamps) {
        sample.first_timestamp = static_cast<std::uint32_t>(profile.timestamps.size());
        sample.timestamp_count = count;
        for (std::uint32_t i = 0; i < count; ++i) {
          profile.timestamps.push_back(kWindowStart + below(kWindowLength));
        }
      }
      profile.samples.push_back(sample);
      profile.values.insert(profile.values.end(), {count, count * profile.period});
    }
    return profile;
  }

  Profile make_heap() {
    Profile profile = make_header(0x22);
    profile.sample_types = {
        value_type("alloc_objects", "count"), value_type("alloc_space", "bytes"),
        value_type("inuse_objects", "count"), value_type("inuse_space", "bytes")};
    profile.otlp_types = {3, 1, 2, 0};
    profile.default_type = 3;
    profile.pprof_period_type = value_type("space", "bytes");
    profile.otlp_period_type = value_type("memory", "bytes");
    profile.period = 524288;
    std::unordered_set<Index> stacks;
    while (profile.samples.size() < options_.heap_samples) {
      const Index stack = make_stack();
      if (!stacks.insert(stack).second) continue;
      const auto size = std::int64_t{16} << below(16);
      const std::array<Index, 1> set = {dictionary_.int_attribute("bytes", size, "By")};
      profile.samples.push_back({.stack = stack,
                                 .attributes = dictionary_.intern_attribute_set(set),
                                 .link = make_link()});
      const auto objects = static_cast<std::int64_t>(1 + below(1000));
      const auto live = static_cast<std::int64_t>(below(static_cast<std::uint64_t>(objects) + 1));
      profile.values.insert(profile.values.end(), {objects, objects * size, live, live * size});
    }
    return profile;
  }

  const SampleWindowOptions& options_;
  SampleWindow window_;
  std::mt19937_64 random_;
  Dictionary& dictionary_;
  std::vector<Index> mappings_;
  std::vector<std::uint64_t> starts_;
  std::vector<Index> last_;
  Index native_ = 0;
};

}  // namespace

SampleWindow make_sample_window(const SampleWindowOptions& options) {
  return Maker(options).make();
}

}  // namespace otprof::test
