// SPDX-License-Identifier: Apache-2.0
#include "agent/heap/heap_store.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "agent/heap/sampling.h"

namespace otprof::heap {
namespace {

// Copies of modules must not be mistaken for modules of a map, whose numbers count up from 0.
constexpr std::uint32_t kCopyId = 1U << 31U;

// What is left of a block of malloc; of a mapped one it is fewer bytes.
constexpr std::uint64_t kAllOfIt = std::numeric_limits<std::uint64_t>::max();

// The 64-bit finaliser of MurmurHash3, folded over the words.
std::uint64_t mix(std::uint64_t hash, std::uint64_t word) noexcept {
  hash = (hash ^ word) * 0xff51afd7ed558ccdULL;
  return hash ^ hash >> 33U;
}

int age_class(std::uint64_t age_ns) {
  const std::uint64_t seconds = age_ns / 1'000'000'000U;
  return static_cast<int>(std::ranges::upper_bound(kAgeLimits, seconds) - kAgeLimits.begin());
}

struct AgedKey {
  HeapKey key;
  int age;
  bool operator==(const AgedKey&) const = default;
};
struct AgedKeyHash {
  std::size_t operator()(const AgedKey& aged) const noexcept {
    return mix(HeapKeyHash{}(aged.key), static_cast<std::uint64_t>(aged.age));
  }
};

}  // namespace

bool is_same_module(const symbols::Module& a, const symbols::Module& b) {
  return a.start == b.start && a.limit == b.limit && a.bias == b.bias && a.inode == b.inode &&
         a.device == b.device && a.path == b.path && a.build_id == b.build_id;
}

std::size_t HeapKeyHash::operator()(const HeapKey& key) const noexcept {
  std::array<std::uint64_t, 3> words{};
  std::memcpy(words.data(), key.trace_id.data(), key.trace_id.size());
  std::memcpy(words.data() + 2, key.span_id.data(), key.span_id.size());
  std::uint64_t hash = mix(std::uint64_t{key.stack} << 8U | static_cast<std::uint64_t>(key.end),
                           std::uint64_t{key.name} << 32U | static_cast<std::uint32_t>(key.tid));
  hash = mix(hash, std::uint64_t{key.labels} << 1U | static_cast<std::uint64_t>(key.kind));
  for (const std::uint64_t word : words) {
    hash = mix(hash, word);
  }
  return hash;
}

std::uint32_t HeapStore::Stacks::intern(std::span<const SeenFrame> frames) {
  std::uint64_t hash = frames.size();
  for (const SeenFrame& frame : frames) {
    hash = mix(mix(hash, frame.address), reinterpret_cast<std::uintptr_t>(frame.module));
  }
  const auto [first, last] = by_hash_.equal_range(hash);
  for (auto entry = first; entry != last; ++entry) {
    if (std::ranges::equal(at(entry->second), frames)) {
      return entry->second;
    }
  }
  const auto index = static_cast<std::uint32_t>(ranges_.size());
  ranges_.emplace_back(frames_.size(), frames.size());
  frames_.insert(frames_.end(), frames.begin(), frames.end());
  by_hash_.emplace(hash, index);
  return index;
}

std::uint32_t HeapStore::Texts::intern(std::string_view text) {
  const auto [entry, is_new] =
      by_text_.try_emplace(std::string(text), static_cast<std::uint32_t>(texts_.size()));
  if (is_new) {
    texts_.emplace_back(text);
  }
  return entry->second;
}

const symbols::Module* HeapStore::keep(const symbols::Module* module) {
  if (module == nullptr) {
    return nullptr;
  }
  const auto [entry, is_new] = kept_.try_emplace(module, nullptr);
  if (is_new) {
    const auto same = std::ranges::find_if(
        modules_, [&](const auto& copy) { return is_same_module(*copy, *module); });
    if (same == modules_.end()) {
      auto copy = std::make_unique<symbols::Module>(*module);
      copy->id = kCopyId + copies_made_++;
      entry->second = copy.get();
      modules_.push_back(std::move(copy));
    } else {
      entry->second = same->get();
    }
  }
  return entry->second;
}

void HeapStore::add(const symbols::ModuleMap& modules, const HeapSample& sample,
                    std::span<const std::uint64_t> frames, std::string_view thread_name,
                    std::string_view labels) {
  ++window_samples_;
  ++stack_ends_[static_cast<std::size_t>(sample.common.end)];
  scratch_.clear();
  for (const std::uint64_t address : frames) {
    scratch_.push_back({keep(modules.find(address, sample.common.monotonic_ns)), address});
  }
  const HeapKey key{.stack = stacks_.intern(scratch_),
                    .tid = sample.common.tid,
                    .end = sample.common.end,
                    .name = texts_.intern(thread_name),
                    .labels = texts_.intern(labels),
                    .kind = sample.kind,
                    .trace_id = sample.common.trace_id,
                    .span_id = sample.common.span_id};
  const double p = sampling_probability(sample.size, sample.interval);
  for (Sums* sums : {&window_, keeps_pieces_ ? &piece_ : nullptr}) {
    if (sums != nullptr) {
      Sum& sum = (*sums)[key];
      sum.objects += 1 / p;
      sum.bytes += static_cast<double>(sample.size) / p;
    }
  }
  if (sample.id != 0) {
    const auto awaited = awaited_.extract(sample.id);
    live_[sample.id] = {
        .key = key,
        .address = sample.address,
        .size = sample.size,
        .left = awaited.empty() ? sample.size : std::min(sample.size, awaited.mapped()),
        .is_alive = !awaited.empty(),
        .interval = sample.interval,
        .monotonic_ns = sample.common.monotonic_ns};
  }
}

template <typename Remove>
void HeapStore::thin(BlockKind kind, std::uint64_t interval, Remove&& remove) {
  constexpr double kRandomRange = 18446744073709551616.0;  // 2^64
  for (auto entry = live_.begin(); entry != live_.end();) {
    auto& [id, sample] = *entry;
    double keep_probability = 1;
    if (sample.key.kind == kind && sample.interval < interval) {
      keep_probability = sampling_probability(sample.size, interval) /
                         sampling_probability(sample.size, sample.interval);
      sample.interval = interval;
    }
    // One that realloc is working on stays: its number would come back into the table without it.
    if (static_cast<double>(next_random(random_)) < keep_probability * kRandomRange ||
        !remove(id, sample.address)) {
      ++entry;
      continue;
    }
    entry = live_.erase(entry);
  }
}

void HeapStore::thin(LiveTable& table, std::uint64_t interval) {
  thin(BlockKind::kAllocated, interval, [&](std::uint64_t id, std::uint64_t address) {
    return table.remove(reinterpret_cast<const void*>(static_cast<std::uintptr_t>(address)), id);
  });
}

void HeapStore::thin(MappedBlocks& table, std::uint64_t interval) {
  thin(BlockKind::kMapped, interval, [&](std::uint64_t id, std::uint64_t /*address*/) {
    table.remove(id);
    return true;
  });
}

template <typename Table>
std::uint64_t HeapStore::make_room_in(Table& table, BlockKind kind, std::size_t room,
                                      std::uint64_t interval) {
  const auto is_of_kind = [&](const auto& entry) {
    return (entry.second == kAllOfIt) == (kind == BlockKind::kAllocated);
  };
  room += static_cast<std::size_t>(std::ranges::count_if(awaited_, is_of_kind));
  room += given_up_.size();
  thin(table, interval);
  while (table.size() > room && interval < kLongestInterval) {
    interval *= 2;
    thin(table, interval);
  }
  return interval;
}

std::uint64_t HeapStore::make_room(LiveTable& table, std::size_t room, std::uint64_t interval) {
  return make_room_in(table, BlockKind::kAllocated, room, interval);
}
std::uint64_t HeapStore::make_room(MappedBlocks& table, std::size_t room, std::uint64_t interval) {
  return make_room_in(table, BlockKind::kMapped, room, interval);
}

void HeapStore::note_alive(const LiveTable& table, MappedBlocks& mapped) {
  awaited_ = mapped.bytes_left();
  table.scan([&](std::uint64_t id) { awaited_[id] = kAllOfIt; });
  for (auto entry = live_.begin(); entry != live_.end();) {
    auto& [id, sample] = *entry;
    const auto there = awaited_.extract(id);
    if (there.empty()) {
      entry = live_.erase(entry);
      continue;
    }
    sample.left = std::min(sample.size, there.mapped());
    sample.is_alive = true;
    ++entry;
  }
  std::erase_if(given_up_, [&](std::uint64_t id) { return awaited_.erase(id) == 0; });
}

std::size_t HeapStore::give_up_awaited() {
  const std::size_t count = awaited_.size();
  for (const auto& [id, left] : awaited_) {
    given_up_.insert(id);
  }
  awaited_.clear();
  return count;
}

std::size_t HeapStore::live_samples() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(live_, [](const auto& entry) { return entry.second.is_alive; }));
}

void HeapStore::rank_leaks(std::uint64_t now_ns) {
  for (const auto& [id, sample] : live_) {
    if (!sample.is_alive) {
      continue;
    }
    const double p = sampling_probability(sample.size, sample.interval);
    leaks_.add(sample.key.stack, static_cast<double>(sample.left) / p, sample.monotonic_ns);
  }
  leaks_.close_window(now_ns);
}

void HeapStore::add_rows(const Sums& sums, std::vector<HeapRow>& rows) {
  for (const auto& [key, sum] : sums) {
    rows.push_back({.key = key, .age = -1, .objects = sum.objects, .bytes = sum.bytes});
  }
}

std::vector<HeapRow> HeapStore::take_piece() {
  std::vector<HeapRow> rows;
  add_rows(piece_, rows);
  piece_.clear();
  return rows;
}

std::vector<HeapRow> HeapStore::rows(std::uint64_t now_ns) const {
  std::vector<HeapRow> rows;
  add_rows(window_, rows);
  std::unordered_map<AgedKey, Sum, AgedKeyHash> aged;
  for (const auto& [id, sample] : live_) {
    if (!sample.is_alive) {
      continue;
    }
    const std::uint64_t age_ns = now_ns > sample.monotonic_ns ? now_ns - sample.monotonic_ns : 0;
    Sum& sum = aged[{sample.key, age_class(age_ns)}];
    const double p = sampling_probability(sample.size, sample.interval);
    sum.objects += 1 / p;
    sum.bytes += static_cast<double>(sample.left) / p;
  }
  for (const auto& [key, sum] : aged) {
    rows.push_back({.key = key.key, .age = key.age, .objects = sum.objects, .bytes = sum.bytes});
  }
  return rows;
}

void HeapStore::begin_window() {
  Stacks stacks;
  Texts texts;
  std::unordered_map<std::uint32_t, std::uint32_t> moved;
  const auto move = [&](std::uint32_t stack) {
    const auto [entry, is_new] = moved.try_emplace(stack, 0);
    if (is_new) {
      entry->second = stacks.intern(stacks_.at(stack));
    }
    return entry->second;
  };
  leaks_.for_each_stack(move);
  leaks_.renumber(moved);
  for (auto& [id, sample] : live_) {
    sample.key.stack = move(sample.key.stack);
    sample.key.name = texts.intern(texts_.at(sample.key.name));
    sample.key.labels = texts.intern(texts_.at(sample.key.labels));
  }
  stacks_ = std::move(stacks);
  texts_ = std::move(texts);
  std::unordered_set<const symbols::Module*> used;
  for (const SeenFrame& frame : stacks_.all_frames()) {
    used.insert(frame.module);
  }
  std::erase_if(modules_, [&](const auto& copy) { return !used.contains(copy.get()); });
  window_.clear();
  piece_.clear();
  kept_.clear();
  window_samples_ = 0;
  stack_ends_ = {};
}

}  // namespace otprof::heap
