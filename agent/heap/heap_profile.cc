// SPDX-License-Identifier: Apache-2.0
#include "agent/heap/heap_profile.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <tuple>
#include <unordered_map>

#include "agent/locations.h"
#include "agent/sample_labels.h"

namespace otprof::heap {
namespace {

using agent::Locations;
using encoder::Dictionary;
using encoder::Index;

// Whose caller is the one that allocates. operator new and new[] in all their forms begin with the
// first two.
bool is_allocator(std::string_view symbol) {
  // The last four: of a library that wraps them, preloaded before the agent.
  constexpr std::array<std::string_view, 14> kFunctions = {
      "malloc",        "calloc", "realloc",        "reallocarray", "memalign",
      "aligned_alloc", "valloc", "posix_memalign", "pvalloc",      "__libc_malloc",
      "mmap",          "mmap64", "mremap",         "syscall"};
  return symbol.starts_with("_Znw") || symbol.starts_with("_Zna") ||
         std::ranges::find(kFunctions, symbol) != kFunctions.end();
}

// Of values from 0 up; lround() would make libm a dependency of every host.
std::int64_t rounded(double value) {
  return static_cast<std::int64_t>(value + 0.5);  // NOLINT(bugprone-incorrect-roundings)
}

// A frame's module is a copy from when it was sampled. While the module is still loaded, the map's
// own entry stands for it, as it does in the CPU profile.
class Stacks {
 public:
  Stacks(const HeapStore& store, const symbols::ModuleMap& modules)
      : store_(store), modules_(modules) {}

  const std::vector<SeenFrame>& at(std::uint32_t index) {
    const auto [entry, is_new] = stacks_.try_emplace(index);
    if (is_new) {
      for (SeenFrame frame : store_.stack(index)) {
        const symbols::Module* now = modules_.find(frame.address);
        if (now != nullptr && frame.module != nullptr && is_same_module(*now, *frame.module)) {
          frame.module = now;
        }
        entry->second.push_back(frame);
      }
    }
    return entry->second;
  }

 private:
  const HeapStore& store_;
  const symbols::ModuleMap& modules_;
  std::map<std::uint32_t, std::vector<SeenFrame>> stacks_;
};

Index stack_of(Dictionary& dictionary, const Locations& locations,
               const std::vector<SeenFrame>& frames) {
  std::size_t first = 0;
  while (first + 1 < frames.size() && first < Locations::kLeafFrames &&
         is_allocator(locations.symbol_of(frames[first]))) {
    ++first;
  }
  std::vector<Index> stack;
  for (std::size_t i = first; i < frames.size(); ++i) {
    stack.push_back(locations.of(frames[i]));
  }
  return dictionary.intern_stack(stack);
}

// Of the stacks that look most like leaks, by stack: their rank from 1 up, and growth.
struct Rank {
  std::int64_t rank = 0;
  std::int64_t growth = 0;
};
using Ranks = std::unordered_map<std::uint32_t, Rank>;

Ranks ranks_of(const LeakRanking& leaks) {
  constexpr std::size_t kMostRanks = 20;
  Ranks ranks;
  for (const LeakSuspect& suspect : leaks.suspects()) {
    if (ranks.size() == kMostRanks) {
      break;
    }
    const auto rank = static_cast<std::int64_t>(ranks.size()) + 1;
    ranks[suspect.stack] = {.rank = rank, .growth = rounded(suspect.growth)};
  }
  return ranks;
}

std::vector<Index> attributes_of(Dictionary& dictionary, const HeapStore& store, const Ranks& ranks,
                                 const HeapRow& row, agent::SampleLabels& labels) {
  std::vector<Index> attributes = {dictionary.int_attribute("thread.id", row.key.tid)};
  if (!store.text(row.key.name).empty()) {
    attributes.push_back(dictionary.string_attribute("thread.name", store.text(row.key.name)));
  }
  if (row.key.end != unwind::StackEnd::kRoot) {
    attributes.push_back(
        dictionary.string_attribute("otprof.stack.end", unwind::stack_end_name(row.key.end)));
  }
  if (row.age >= 0) {
    attributes.push_back(dictionary.string_attribute("otprof.heap.age",
                                                     kAgeNames[static_cast<std::size_t>(row.age)]));
    if (const auto found = ranks.find(row.key.stack); found != ranks.end()) {
      attributes.push_back(dictionary.int_attribute(kLeakRankKey, found->second.rank));
      attributes.push_back(dictionary.int_attribute(kLeakGrowthKey, found->second.growth, "By"));
    }
  }
  if (row.key.kind == BlockKind::kMapped) {
    attributes.push_back(dictionary.string_attribute("otprof.heap.kind", "mmap"));
  }
  labels.add_to(attributes, store.text(row.key.labels), dictionary);
  return attributes;
}

struct Values {
  double alloc_objects = 0;
  double alloc_space = 0;
  double inuse_objects = 0;
  double inuse_space = 0;
  std::vector<Index> attributes;
};

void add_sample_types(Dictionary& dictionary, bool has_live, encoder::Profile& profile) {
  const Index count = dictionary.intern_string("count");
  const Index bytes = dictionary.intern_string("bytes");
  profile.sample_types = {{dictionary.intern_string("alloc_objects"), count},
                          {dictionary.intern_string("alloc_space"), bytes}};
  profile.otlp_types = {1, 0};
  profile.default_type = 1;
  if (has_live) {
    profile.sample_types.push_back({dictionary.intern_string("inuse_objects"), count});
    profile.sample_types.push_back({dictionary.intern_string("inuse_space"), bytes});
    profile.otlp_types = {3, 2, 1, 0};
    profile.default_type = 3;
  }
  profile.pprof_period_type = {dictionary.intern_string("space"), bytes};
  // Some receivers name the whole family of profiles by this word, and know "memory".
  profile.otlp_period_type = {dictionary.intern_string("memory"), bytes};
}

}  // namespace

encoder::Profile make_heap_profile(const HeapStore& store, std::span<const HeapRow> rows,
                                   const HeapProfileFacts& facts, symbols::ModuleMap& modules,
                                   symbols::Symbolizer& symbolizer, Dictionary& dictionary) {
  Stacks stacks(store, modules);
  Locations locations(dictionary, modules);
  for (const HeapRow& row : rows) {
    locations.add(stacks.at(row.key.stack));
  }
  locations.resolve(symbolizer,
                    facts.symbolize ? Locations::Names::kAll : Locations::Names::kLeaves);

  encoder::Profile profile;
  add_sample_types(dictionary, facts.has_live, profile);
  profile.period = static_cast<std::int64_t>(facts.interval);
  profile.time_unix_nano = facts.start_ns + static_cast<std::uint64_t>(facts.unix_minus_monotonic);
  profile.duration_nano = facts.end_ns - facts.start_ns;
  if (getrandom(profile.profile_id.data(), profile.profile_id.size(), GRND_NONBLOCK) < 0) {
    profile.profile_id = {};
  }
  const Ranks ranks = ranks_of(store.leaks());
  // Without their allocator frames, stacks that were different may be equal.
  agent::SampleLabels labels(facts.label_keys);
  std::map<std::tuple<Index, Index, Index>, Values> merged;
  for (const HeapRow& row : rows) {
    std::vector<Index> attributes = attributes_of(dictionary, store, ranks, row, labels);
    Values& values = merged[{stack_of(dictionary, locations, stacks.at(row.key.stack)),
                             dictionary.intern_attribute_set(attributes),
                             dictionary.intern_link({row.key.trace_id, row.key.span_id})}];
    (row.age < 0 ? values.alloc_objects : values.inuse_objects) += row.objects;
    (row.age < 0 ? values.alloc_space : values.inuse_space) += row.bytes;
    values.attributes = std::move(attributes);
  }
  for (auto& [identity, values] : merged) {
    const auto& [stack, attributes, link] = identity;
    // Go's label for the size of a block: the mean of those in this row.
    values.attributes.push_back(
        dictionary.int_attribute("bytes",
                                 rounded((values.alloc_space + values.inuse_space) /
                                         (values.alloc_objects + values.inuse_objects)),
                                 "By"));
    profile.samples.push_back({.stack = stack,
                               .attributes = dictionary.intern_attribute_set(values.attributes),
                               .link = link});
    profile.values.push_back(rounded(values.alloc_objects));
    profile.values.push_back(rounded(values.alloc_space));
    if (facts.has_live) {
      profile.values.push_back(rounded(values.inuse_objects));
      profile.values.push_back(rounded(values.inuse_space));
    }
  }
  std::vector<Index> counters;
  for (const auto& [name, value] : facts.counters) {
    counters.push_back(dictionary.int_attribute(name, value));
  }
  agent::add_label_counters(labels.counters(), dictionary, counters);
  profile.attributes = dictionary.intern_attribute_set(counters);
  return profile;
}

}  // namespace otprof::heap
