// SPDX-License-Identifier: Apache-2.0
#include "agent/heap/leak_report.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string_view>
#include <tuple>
#include <variant>

#include "agent/heap/heap_profile.h"

namespace otprof::heap {
namespace {

using encoder::Dictionary;
using encoder::Index;

constexpr std::size_t kMostSites = 10;
constexpr std::size_t kMostFrames = 8;

struct Site {
  Index stack = 0;
  std::int64_t objects = 0;
  std::int64_t bytes = 0;
  std::int64_t rank = std::numeric_limits<std::int64_t>::max();
  std::int64_t growth = 0;
};

void read_rank(const Dictionary& dictionary, Index set, Site& site) {
  for (const Index index : dictionary.attribute_sets()[set].attributes) {
    const encoder::Attribute& attribute = dictionary.attributes()[index];
    const auto* number = std::get_if<std::int64_t>(&attribute.value);
    if (number == nullptr) {
      continue;
    }
    const std::string_view key = dictionary.string(attribute.key);
    if (key == kLeakRankKey && *number < site.rank) {
      site.rank = *number;
    } else if (key == kLeakGrowthKey) {
      site.growth = *number;
    }
  }
}

std::vector<Site> sites_of(const Dictionary& dictionary, const encoder::Profile& profile) {
  constexpr std::size_t kObjects = 2;  // positions of the values in use
  constexpr std::size_t kBytes = 3;
  const std::size_t types = profile.sample_types.size();
  std::map<Index, Site> by_stack;
  for (std::size_t i = 0; i < profile.samples.size(); ++i) {
    const std::int64_t objects = profile.values[i * types + kObjects];
    if (objects == 0) {
      continue;
    }
    Site& site = by_stack[profile.samples[i].stack];
    site.stack = profile.samples[i].stack;
    site.objects += objects;
    site.bytes += profile.values[i * types + kBytes];
    read_rank(dictionary, profile.samples[i].attributes, site);
  }
  std::vector<Site> sites;
  sites.reserve(by_stack.size());
  for (const auto& [stack, site] : by_stack) {
    sites.push_back(site);
  }
  std::ranges::sort(sites, {}, [](const Site& site) { return std::tuple(site.rank, -site.bytes); });
  return sites;
}

std::string in_bytes(std::int64_t bytes) {
  constexpr std::array<const char*, 5> kUnits = {" B", " KiB", " MiB", " GiB", " TiB"};
  std::size_t unit = 0;
  std::int64_t tenths = bytes * 10;
  while (tenths >= 10240 && unit + 1 < kUnits.size()) {
    tenths = (tenths + 512) / 1024;
    ++unit;
  }
  const std::string fraction = unit == 0 ? "" : "." + std::to_string(tenths % 10);
  return std::to_string(tenths / 10) + fraction + kUnits[unit];
}

std::string in_hex(std::uint64_t value) {
  std::string digits;
  do {
    digits.insert(digits.begin(), "0123456789abcdef"[value % 16]);
    value /= 16;
  } while (value != 0);
  return "0x" + digits;
}

// A function's name, or where in which file the code is.
std::string frame_text(const Dictionary& dictionary, Index index) {
  const encoder::Location& location = dictionary.locations()[index];
  if (!location.lines.empty()) {
    const encoder::Function& function = dictionary.functions()[location.lines.front().function];
    std::string name(dictionary.string(function.name));
    // Names are the program's; a terminal must not obey them.
    std::ranges::replace_if(
        name, [](char c) { return static_cast<unsigned char>(c) < ' '; }, '?');
    return name;
  }
  const encoder::Mapping& mapping = dictionary.mappings()[location.mapping];
  return std::string(dictionary.string(mapping.filename)) + "+" +
         in_hex(location.address - mapping.memory_start + mapping.file_offset);
}

void add_site(const Dictionary& dictionary, const Site& site, std::size_t place,
              std::vector<std::string>& lines) {
  std::string line = "leak " + std::to_string(place) + ": " + in_bytes(site.bytes) + " in " +
                     std::to_string(site.objects) + (site.objects == 1 ? " block" : " blocks");
  if (site.growth > 0) {
    line += ", " + in_bytes(site.growth) + " of it in the last windows";
  }
  lines.push_back(std::move(line));
  const std::span<const Index> frames = dictionary.stacks()[site.stack].locations;
  for (std::size_t i = 0; i < std::min(frames.size(), kMostFrames); ++i) {
    lines.push_back("    " + frame_text(dictionary, frames[i]));
  }
  if (frames.size() > kMostFrames) {
    lines.push_back("    ... and " + std::to_string(frames.size() - kMostFrames) + " more");
  }
}

}  // namespace

std::vector<std::string> leak_report(const Dictionary& dictionary,
                                     const encoder::Profile* profile) {
  const std::vector<Site> sites =
      profile == nullptr ? std::vector<Site>() : sites_of(dictionary, *profile);
  if (sites.empty()) {
    return {"leaks: no sampled block is still allocated"};
  }
  std::int64_t bytes = 0;
  for (const Site& site : sites) {
    bytes += site.bytes;
  }
  std::vector<std::string> lines = {
      "leaks: " + in_bytes(bytes) + " still allocated, from " + std::to_string(sites.size()) +
      (sites.size() == 1 ? " place" : " places") + " (estimated, one sample per " +
      in_bytes(profile->period) + ")"};
  for (std::size_t i = 0; i < std::min(sites.size(), kMostSites); ++i) {
    add_site(dictionary, sites[i], i + 1, lines);
  }
  if (sites.size() > kMostSites) {
    lines.push_back("... and " + std::to_string(sites.size() - kMostSites) + " more places");
  }
  return lines;
}

}  // namespace otprof::heap
