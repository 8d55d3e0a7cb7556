// SPDX-License-Identifier: Apache-2.0
#include "agent/cpu_profile.h"

#include <sys/random.h>

#include <algorithm>
#include <string>
#include <vector>

#include "agent/locations.h"
#include "agent/sample_labels.h"

namespace otprof::agent {
namespace {

using encoder::Dictionary;
using encoder::Index;

Index sample_attributes(Dictionary& dictionary, const Window& window, const SampleKey& key,
                        SampleLabels& labels) {
  std::vector<Index> attributes = {dictionary.int_attribute("thread.id", key.tid)};
  if (!window.text(key.name).empty()) {
    attributes.push_back(dictionary.string_attribute("thread.name", window.text(key.name)));
  }
  if (key.end != unwind::StackEnd::kRoot) {
    attributes.push_back(
        dictionary.string_attribute("otprof.stack.end", unwind::stack_end_name(key.end)));
  }
  labels.add_to(attributes, window.text(key.labels), dictionary);
  return dictionary.intern_attribute_set(attributes);
}

// What the window counted, under names that docs/metrics.md explains.
Index window_attributes(Dictionary& dictionary, const WindowCounters& counters,
                        const CpuProfileFacts& facts, const LabelCounters& labels) {
  const SamplingFacts& sampling = facts.sampling;
  std::vector<Index> attributes = {
      dictionary.string_attribute("otprof.cpu.engine", sampling.engine),
      dictionary.string_attribute("otprof.cpu.engine.reason", sampling.reason),
      dictionary.int_attribute("otprof.cpu.period", static_cast<std::int64_t>(sampling.period_ns),
                               "ns"),
      dictionary.string_attribute("otprof.cpu.period.reason", sampling.period_reason),
      dictionary.int_attribute("otprof.cpu.period.changes",
                               static_cast<std::int64_t>(sampling.period_changes)),
      dictionary.int_attribute("otprof.threads.blocked",
                               static_cast<std::int64_t>(sampling.blocked_threads)),
      dictionary.int_attribute("otprof.threads.unarmed",
                               static_cast<std::int64_t>(sampling.unarmed_threads)),
      dictionary.int_attribute("otprof.samples.outside_trace",
                               static_cast<std::int64_t>(sampling.outside_trace)),
      dictionary.int_attribute(
          "otprof.cpu.paused_ms",
          std::chrono::ceil<std::chrono::milliseconds>(sampling.paused).count()),
      dictionary.int_attribute("otprof.samples.taken", static_cast<std::int64_t>(counters.samples)),
      dictionary.int_attribute("otprof.samples.lost",
                               static_cast<std::int64_t>(counters.lost_in_ring))};
  if (facts.is_piece) {
    attributes.push_back(dictionary.int_attribute("otprof.window.partial", 1));
  }
  add_label_counters(labels, dictionary, attributes);
  if (counters.modules_missed != 0) {
    attributes.push_back(dictionary.int_attribute(
        "otprof.modules.missed", static_cast<std::int64_t>(counters.modules_missed)));
  }
  for (std::size_t end = 0; end < counters.stack_ends.size(); ++end) {
    if (counters.stack_ends[end] != 0) {
      std::string key = "otprof.stack_ends.";
      key += unwind::stack_end_name(static_cast<unwind::StackEnd>(end));
      attributes.push_back(
          dictionary.int_attribute(key, static_cast<std::int64_t>(counters.stack_ends[end])));
    }
  }
  return dictionary.intern_attribute_set(attributes);
}

}  // namespace

encoder::Profile make_cpu_profile(const Window& window, const CpuProfileFacts& facts,
                                  symbols::ModuleMap& modules, symbols::Symbolizer& symbolizer,
                                  Dictionary& dictionary) {
  Locations locations(dictionary, modules);
  for (const Window::Merged& merged : window.samples()) {
    locations.add(window.stack(merged.key.stack));
  }
  locations.resolve(symbolizer, facts.symbolize ? Locations::Names::kAll : Locations::Names::kNone);

  const encoder::ValueType samples_count{dictionary.intern_string("samples"),
                                         dictionary.intern_string("count")};
  const encoder::ValueType cpu_nanoseconds{dictionary.intern_string("cpu"),
                                           dictionary.intern_string("nanoseconds")};
  encoder::Profile profile;
  profile.sample_types = {samples_count, cpu_nanoseconds};
  profile.otlp_types = {0};
  profile.counted_type = 0;
  profile.default_type = 1;
  profile.pprof_period_type = cpu_nanoseconds;
  profile.otlp_period_type = cpu_nanoseconds;
  profile.period = facts.period_ns;
  const auto unix_of = [&](std::uint64_t monotonic) {
    return monotonic + static_cast<std::uint64_t>(facts.unix_minus_monotonic);
  };
  profile.time_unix_nano = unix_of(window.start_ns());
  profile.duration_nano = facts.end_ns - window.start_ns();
  if (getrandom(profile.profile_id.data(), profile.profile_id.size(), GRND_NONBLOCK) < 0) {
    profile.profile_id = {};
  }
  SampleLabels labels(facts.label_keys);
  std::vector<Index> stack;
  for (const Window::Merged& merged : window.samples()) {
    stack.clear();
    for (const SeenFrame& frame : window.stack(merged.key.stack)) {
      stack.push_back(locations.of(frame));
    }
    profile.samples.push_back(
        {.stack = dictionary.intern_stack(stack),
         .attributes = sample_attributes(dictionary, window, merged.key, labels),
         .link = dictionary.intern_link({merged.key.trace_id, merged.key.span_id}),
         .first_timestamp = static_cast<std::uint32_t>(profile.timestamps.size()),
         .timestamp_count = static_cast<std::uint32_t>(merged.times.size())});
    profile.values.push_back(merged.count);
    profile.values.push_back(merged.count * facts.period_ns);
    for (const std::uint64_t time : merged.times) {
      profile.timestamps.push_back(unix_of(std::clamp(time, window.start_ns(), facts.end_ns - 1)));
    }
  }
  profile.attributes = window_attributes(dictionary, window.counters(), facts, labels.counters());
  return profile;
}

}  // namespace otprof::agent
