// SPDX-License-Identifier: Apache-2.0
#include "tools/leak_sites.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <string_view>

#include "tools/frames.h"

namespace otprof::tools {
namespace {

// The functions of an allocator say nothing about who wanted the memory.
bool is_allocator(std::string_view name) {
  constexpr std::array<std::string_view, 13> kNames = {
      "malloc", "calloc",  "realloc", "reallocarray", "memalign", "aligned_alloc", "posix_memalign",
      "valloc", "pvalloc", "strdup",  "__strdup",     "strndup",  "__libc_malloc"};
  constexpr std::array<std::string_view, 4> kPrefixes = {
      "operator new", "std::allocator<", "__gnu_cxx::new_allocator<", "std::__new_allocator<"};
  return std::ranges::find(kNames, name) != kNames.end() ||
         std::ranges::any_of(kPrefixes,
                             [&](std::string_view prefix) { return name.starts_with(prefix); });
}

// As libotprof sorts live blocks by age, youngest first.
constexpr std::string_view kAgeKey = "otprof.heap.age";
constexpr std::array<std::string_view, 7> kAges = {"<1s", "<10s", "<1m", "<10m",
                                                   "<1h", "<1d",  ">=1d"};

std::string_view age_of(const encoder::Dictionary& dictionary, encoder::Index set) {
  for (const encoder::Index index : dictionary.attribute_sets()[set].attributes) {
    const encoder::Attribute& attribute = dictionary.attributes()[index];
    const auto* text = std::get_if<encoder::Index>(&attribute.value);
    if (text != nullptr && dictionary.string(attribute.key) == kAgeKey) {
      return dictionary.string(*text);
    }
  }
  return {};
}

void add_rank(LeakSite& site, const encoder::Dictionary& dictionary, encoder::Index set) {
  for (const encoder::Index index : dictionary.attribute_sets()[set].attributes) {
    const encoder::Attribute& attribute = dictionary.attributes()[index];
    const auto* number = std::get_if<std::int64_t>(&attribute.value);
    if (number == nullptr) continue;
    const std::string_view key = dictionary.string(attribute.key);
    if (key == "otprof.heap.leak.rank" && (site.rank == 0 || *number < site.rank)) {
      site.rank = *number;
    } else if (key == "otprof.heap.leak.growth") {
      site.growth = std::max(site.growth, *number);
    }
  }
}

void add_age(LeakSite& site, std::string_view age, std::int64_t bytes) {
  const auto known = std::ranges::find(kAges, age);
  if (known == kAges.end() || bytes == 0) return;
  const auto later = std::ranges::find_if(site.by_age, [&](const auto& entry) {
    return std::ranges::find(kAges, entry.first) >= known;
  });
  if (later != site.by_age.end() && later->first == age) {
    later->second = saturating_add(later->second, bytes);
  } else {
    site.by_age.emplace(later, age, bytes);
  }
}

std::vector<std::string> caller_frames(FrameTable& frames, encoder::Index stack) {
  std::vector<std::string> names;
  for (const std::uint32_t frame : frames.of_stack(stack)) {
    const std::string& name = frames[frame].name;
    if (names.empty() && is_allocator(name)) continue;
    names.push_back(name);
  }
  return names;
}

}  // namespace

std::vector<LeakSite> leak_sites(const Recording& recording, const MergedProfile& heap) {
  const int bytes = recording.column_of(heap, "inuse_space");
  const int objects = recording.column_of(heap, "inuse_objects");
  const int allocated = recording.column_of(heap, "alloc_space");
  if (bytes < 0) return {};
  FrameTable frames(recording.dictionary());
  std::map<std::vector<std::string>, LeakSite> sites;
  const auto value = [&](std::size_t row, int column) {
    return column < 0 ? 0 : heap.rows.value(row, static_cast<std::size_t>(column));
  };
  for (std::size_t row = 0; row < heap.rows.size(); ++row) {
    std::vector<std::string> key = caller_frames(frames, heap.rows.key(row).stack);
    LeakSite& site = sites[key];
    site.frames = std::move(key);
    site.in_use_bytes = saturating_add(site.in_use_bytes, value(row, bytes));
    // Rows of earlier windows have nothing in use any more, and their ranks are out of date.
    if (value(row, bytes) != 0) {
      add_rank(site, recording.dictionary(), heap.rows.key(row).attributes);
    }
    add_age(site, age_of(recording.dictionary(), heap.rows.key(row).attributes), value(row, bytes));
    site.in_use_objects = saturating_add(site.in_use_objects, value(row, objects));
    site.allocated_bytes = saturating_add(site.allocated_bytes, value(row, allocated));
  }
  std::vector<LeakSite> ranked;
  for (auto& [key, site] : sites) {
    if (site.in_use_bytes > 0) ranked.push_back(std::move(site));
  }
  std::ranges::stable_sort(ranked, {}, [](const LeakSite& site) {
    constexpr std::int64_t kLast = std::numeric_limits<std::int64_t>::max();
    return std::pair(site.rank == 0 ? kLast : site.rank, -site.in_use_bytes);
  });
  return ranked;
}

}  // namespace otprof::tools
