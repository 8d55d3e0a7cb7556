// SPDX-License-Identifier: Apache-2.0
#include "agent/heap/heap_profiler.h"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <string>
#include <utility>

#include "agent/cpu/sampler.h"
#include "agent/futex.h"
#include "agent/heap/heap_profile.h"
#include "agent/heap/heap_sampler.h"
#include "agent/heap/leak_report.h"
#include "agent/heap/mapping_sampler.h"
#include "agent/log.h"
#include "agent/resident_memory.h"
#include "agent/unwind/module.h"
#include "agent/walker.h"
#include "interpose/allocation_hooks.h"

namespace otprof::heap {
namespace {

// Above this the live table is thinned out: soon enough that bad luck in hashing is rare, and the
// allocations until the background thread comes round still find room.
constexpr std::size_t kRoomy = LiveTable::kSlots / 2;
constexpr std::size_t kRoomyMapped = MappedBlocks::kSlots * 3 / 4;

// Of the process, forked children included.
bool sees_operator_new = true;
bool uses_glibc_malloc = false;
bool uses_bundled_allocator = false;

// Whether the program's blocks come from the library that a well-known function of libc is in.
bool finds_glibc_malloc() {
  unwind::Module allocator;
  unwind::Module libc;
  return unwind::find_object(reinterpret_cast<std::uintptr_t>(interpose::allocator_code()),
                             allocator) &&
         unwind::find_object(reinterpret_cast<std::uintptr_t>(&getpid), libc) &&
         allocator.map_start == libc.map_start;
}

// Half a second of allocating at 1 GiB/s with stacks of usual depth, but no more than an eighth of the
// agent's budget: a ring is used all around, so all of it is taken in the end. Who asks for nearly every
// allocation asks for its price, too.
std::size_t ring_bytes(const agent::Options& options) {
  constexpr std::uint64_t kRecordBytes = 512;
  constexpr std::uint64_t kLeast = 256 << 10;
  constexpr std::uint64_t kMost = 8 << 20;
  constexpr std::uint64_t kNearlyEvery = 4 << 10;
  const auto interval = static_cast<std::uint64_t>(options.heap_interval);
  const std::uint64_t share = std::bit_floor(static_cast<std::uint64_t>(options.max_memory) / 8);
  return static_cast<std::size_t>(
      std::clamp((std::uint64_t{512} << 20U) / interval * kRecordBytes, kLeast,
                 interval < kNearlyEvery ? kMost : std::min(kMost, share)));
}

}  // namespace

HeapProfiler::HeapProfiler(const agent::Options& options) : options_(options) {}

bool HeapProfiler::prepare() {
  if (options_.leak_report && !options_.heap_live) {
    agent::log_warning("OTPROF_LEAK_REPORT needs OTPROF_HEAP_LIVE=true; there will be no report");
  }
  const bool owns_malloc = interpose::owns_malloc();
  if (!owns_malloc) {
    agent::log_warning(
        "the program's malloc is not reached through this library (the executable, or a library "
        "preloaded before it, has its own); its allocations are not seen");
  }
  uses_glibc_malloc = finds_glibc_malloc();
  uses_bundled_allocator =
      owns_malloc && interpose::bundled_allocator() == interpose::Bundled::kServes;
  sees_operator_new = interpose::owns_operator_new();
  if (!sees_operator_new) {
    agent::log_info(
        "the program's operator new does not call malloc; what it allocates is not seen "
        "(it is, with libstdc++.so.6 preloaded right after this library)");
  }
  if (!ring_.create(ring_bytes(options_)) || !prepare_heap_sampler()) {
    return false;
  }
  if (options_.heap_mmap) {
    prepare_mapping_sampler();
  }
  return true;
}

bool HeapProfiler::prepare_in_child() {
  forget_parent();
  return ring_.create(ring_bytes(options_));
}

void HeapProfiler::start() {
  HeapState& state = heap_state();
  const std::uint64_t interval = is_started_ ? state.interval.load(std::memory_order_relaxed)
                                             : static_cast<std::uint64_t>(options_.heap_interval);
  start_heap_sampler({.ring = &ring_,
                      .walk = agent::prepare_walker(options_),
                      .max_depth = static_cast<std::uint32_t>(options_.max_stack_depth),
                      .only_in_trace = options_.sampling.mode == agent::SamplingMode::kTrace,
                      .interval = interval,
                      .min_size = static_cast<std::uint64_t>(options_.heap_min_size),
                      .slow_ns = 1000 * static_cast<std::uint64_t>(options_.max_sample_latency),
                      .follow_frees = options_.heap_live});
  is_started_ = true;
  window_start_ns_ = cpu::monotonic_ns();
  piece_start_ns_ = window_start_ns_;
}

void HeapProfiler::stop() { stop_heap_sampler(); }

template <typename Table>
void HeapProfiler::make_room(Table& table, std::size_t room, std::atomic<std::uint64_t>& interval,
                             const char* blocks) {
  if (table.size() <= room) {
    return;
  }
  note_alive();
  const std::uint64_t before = interval.load(std::memory_order_relaxed);
  const std::uint64_t now = store_.make_room(table, room, before);
  if (now != before) {
    interval.store(now, std::memory_order_relaxed);
    agent::log_info(std::string("the table of ") + blocks +
                    " blocks is filling up; now one sample per " + std::to_string(now) + " bytes");
  }
}

void HeapProfiler::make_room() {
  HeapState& state = heap_state();
  make_room(state.live, kRoomy, state.interval, "live");
  make_room(state.mapped_blocks, kRoomyMapped, state.mapped.interval, "mapped");
}

void HeapProfiler::note_alive() {
  HeapState& state = heap_state();
  store_.note_alive(state.live, state.mapped_blocks);
  totals_ = state.totals();
  kept_when_noted_ = store_.kept_samples();
}

std::size_t HeapProfiler::drain(const symbols::ModuleMap& modules, agent::ThreadNames& names) {
  constexpr std::size_t kFreedKept = 8192;
  const auto now = std::chrono::steady_clock::now();
  return ring_.drain([&](const std::uint64_t* record, std::uint32_t words) {
    const HeapSample sample = heap_sample_of(record);
    const auto [frames, labels] =
        agent::tail_of(sample.common, record + kHeapSampleWords, words - kHeapSampleWords);
    store_.add(modules, sample, frames, names.of(sample.common.tid, now), labels);
    // Samples of blocks that did not live long would otherwise be kept until the window ends.
    if (store_.kept_samples() > 2 * kept_when_noted_ + kFreedKept) {
      note_alive();
    }
  });
}

void HeapProfiler::collect(const symbols::ModuleMap& modules, agent::ThreadNames& names) {
  constexpr std::size_t kBusyRecords = 128;
  is_busy_ = drain(modules, names) > kBusyRecords;
  make_room();
}

void HeapProfiler::collect_all(const symbols::ModuleMap& modules, agent::ThreadNames& names) {
  constexpr std::chrono::milliseconds kLongestWait{50};
  constexpr std::chrono::milliseconds kNap{1};
  make_room();
  note_alive();
  drain(modules, names);
  const auto deadline = std::chrono::steady_clock::now() + kLongestWait;
  while (store_.awaited() != 0 && std::chrono::steady_clock::now() < deadline) {
    constexpr std::uint32_t kNeverWoken = 0;
    agent::futex_wait(&kNeverWoken, kNeverWoken, kNap);
    drain(modules, names);
  }
  late_samples_ += store_.give_up_awaited();
}

// The sums always; what they are made of unless finding that out would take more than one part in 200 of
// this thread's time.
void HeapProfiler::add_memory(Counters& counters) {
  const agent::ResidentMemory resident = agent::read_resident_memory();
  counters.emplace_back("otprof.memory.anonymous", resident.anonymous);
  counters.emplace_back("otprof.memory.file", resident.file);
  counters.emplace_back("otprof.memory.shared", resident.shared);
  const std::uint64_t begin = cpu::monotonic_ns();
  if (resident.anonymous == 0 || begin < next_split_ns_) {
    return;
  }
  const agent::MemoryRegions regions = agent::read_memory_regions();
  std::int64_t stacks = agent::resident_bytes(regions.main_stack);
  for (const auto& [low, high] : heap_state().stacks()) {
    stacks += agent::resident_bytes({low, high});
  }
  std::int64_t heap = 0;
  if (uses_glibc_malloc) {
    for (const agent::AddressRange& range : regions.heaps) {
      heap += agent::resident_bytes(range);
    }
    counters.emplace_back("otprof.memory.heap", heap);
  }
  if (uses_glibc_malloc && options_.heap_live) {
    const double live = store_.live_bytes([&](std::uint64_t address) {
      return std::ranges::any_of(regions.heaps, [&](const agent::AddressRange& range) {
        return address >= range.start && address < range.limit;
      });
    });
    counters.emplace_back("otprof.memory.heap.overhead",
                          std::max<std::int64_t>(heap - static_cast<std::int64_t>(live), 0));
  }
  interpose::BundledMemory bundled;
  if (uses_bundled_allocator && interpose::read_bundled_memory(bundled)) {
    // What its blocks would take if all of them had been written to.
    heap = std::clamp<std::int64_t>(bundled.resident, 0,
                                    std::max<std::int64_t>(resident.anonymous - stacks, 0));
    counters.emplace_back("otprof.memory.heap", heap);
    counters.emplace_back("otprof.memory.heap.overhead",
                          std::max<std::int64_t>(bundled.resident - bundled.allocated, 0));
  }
  counters.emplace_back("otprof.memory.stacks", stacks);
  counters.emplace_back("otprof.memory.mapped",
                        std::max<std::int64_t>(resident.anonymous - heap - stacks, 0));
  constexpr std::uint64_t kShare = 200;
  const std::uint64_t now = cpu::monotonic_ns();
  next_split_ns_ = now + kShare * (now - begin);
}

// True when what is in use is known of all blocks that were allocated, but for the error of sampling.
bool HeapProfiler::follows_all() const {
  const HeapState& state = heap_state();
  return options_.heap_live && options_.heap_min_size == 0 &&
         state.outside_trace.load(std::memory_order_relaxed) == 0 &&
         state.not_followed.load(std::memory_order_relaxed) == 0 &&
         state.lost_in_ring.load(std::memory_order_relaxed) == 0;
}

HeapProfiler::Counters HeapProfiler::counters() {
  const HeapState& state = heap_state();
  Counters counters;
  const auto add = [&](const char* name, std::uint64_t value) {
    counters.emplace_back(name, static_cast<std::int64_t>(value));
  };
  add("otprof.heap.allocated.bytes", totals_.allocated_bytes);
  add("otprof.heap.allocated.calls", totals_.allocations);
  add("otprof.heap.freed.calls", totals_.frees);
  if (follows_all()) {
    const double live = store_.live_bytes([](std::uint64_t) { return true; });
    add("otprof.heap.freed.bytes",
        totals_.allocated_bytes -
            std::min(totals_.allocated_bytes, static_cast<std::uint64_t>(live)));
  }
  add("otprof.heap.interval", state.interval.load(std::memory_order_relaxed));
  add("otprof.heap.samples.live", store_.live_samples());
  add("otprof.heap.samples.late", late_samples_);
  add("otprof.heap.samples.not_followed", state.not_followed.load(std::memory_order_relaxed));
  if (samples_mappings()) {
    add("otprof.heap.mapped.bytes", state.mapped.bytes.load(std::memory_order_relaxed));
    add("otprof.heap.mapped.calls", state.mapped.calls.load(std::memory_order_relaxed));
    add("otprof.heap.mapped.interval", state.mapped.interval.load(std::memory_order_relaxed));
    add("otprof.heap.mapped.unknown",
        state.mapped.unknown_growth.load(std::memory_order_relaxed) + state.mapped_blocks.lost());
  }
  add_memory(counters);
  if (!sees_operator_new) {
    add("otprof.heap.operator_new.unseen", 1);
  }
  add("otprof.samples.taken", store_.window_samples());
  add("otprof.samples.outside_trace", state.outside_trace.load(std::memory_order_relaxed));
  add("otprof.samples.lost", state.lost_in_ring.load(std::memory_order_relaxed));
  for (std::size_t end = 0; end < store_.stack_ends().size(); ++end) {
    if (store_.stack_ends()[end] != 0) {
      counters.emplace_back(std::string("otprof.stack_ends.") +
                                unwind::stack_end_name(static_cast<unwind::StackEnd>(end)),
                            static_cast<std::int64_t>(store_.stack_ends()[end]));
    }
  }
  return counters;
}

void HeapProfiler::set_interval(std::uint64_t bytes) {
  heap_state().interval.store(bytes, std::memory_order_relaxed);
  heap_state().mapped.interval.store(bytes, std::memory_order_relaxed);
  raised_ = 0;
}

std::uint64_t HeapProfiler::interval() const {
  return heap_state().interval.load(std::memory_order_relaxed);
}

// Starting from what they are now: a full table of live blocks may have doubled them, too.
void HeapProfiler::raise_interval(std::uint32_t doublings) {
  HeapState& state = heap_state();
  for (std::atomic<std::uint64_t>* interval : {&state.interval, &state.mapped.interval}) {
    const std::uint64_t now = interval->load(std::memory_order_relaxed);
    const std::uint64_t bytes =
        doublings >= raised_ ? now << (doublings - raised_) : now >> (raised_ - doublings);
    interval->store(std::clamp(bytes, std::uint64_t{1}, kLongestInterval),
                    std::memory_order_relaxed);
  }
  raised_ = doublings;
}

encoder::Profile HeapProfiler::profile(std::uint64_t now_ns, std::int64_t unix_minus_monotonic,
                                       symbols::ModuleMap& modules, symbols::Symbolizer& symbolizer,
                                       encoder::Dictionary& dictionary) {
  return make_heap_profile(store_, store_.rows(now_ns),
                           {.start_ns = window_start_ns_,
                            .end_ns = now_ns,
                            .unix_minus_monotonic = unix_minus_monotonic,
                            .interval = heap_state().interval.load(std::memory_order_relaxed),
                            .symbolize = static_cast<agent::SymbolizeChoice>(options_.symbolize) !=
                                         agent::SymbolizeChoice::kNone,
                            .has_live = options_.heap_live,
                            .counters = counters(),
                            .label_keys = label_keys_},
                           modules, symbolizer, dictionary);
}

std::optional<encoder::Profile> HeapProfiler::close_window(
    std::uint64_t now_ns, std::int64_t unix_minus_monotonic, symbols::ModuleMap& modules,
    symbols::Symbolizer& symbolizer, encoder::Dictionary& dictionary, bool is_at_exit) {
  store_.rank_leaks(now_ns);
  std::optional<encoder::Profile> ended =
      profile(now_ns, unix_minus_monotonic, modules, symbolizer, dictionary);
  if (ended->samples.empty()) {
    ended.reset();
  }
  if (is_at_exit && options_.leak_report && options_.heap_live) {
    for (const std::string& line : leak_report(dictionary, ended ? &*ended : nullptr)) {
      agent::log_wanted(line);
    }
  }
  store_.begin_window();
  window_start_ns_ = now_ns;
  piece_start_ns_ = now_ns;
  return ended;
}

std::optional<encoder::Profile> HeapProfiler::piece(std::uint64_t now_ns,
                                                    std::int64_t unix_minus_monotonic,
                                                    symbols::ModuleMap& modules,
                                                    symbols::Symbolizer& symbolizer,
                                                    encoder::Dictionary& dictionary) {
  const std::vector<HeapRow> rows = store_.take_piece();
  const std::uint64_t start_ns = std::exchange(piece_start_ns_, now_ns);
  if (rows.empty()) {
    return std::nullopt;
  }
  return make_heap_profile(store_, rows,
                           {.start_ns = start_ns,
                            .end_ns = now_ns,
                            .unix_minus_monotonic = unix_minus_monotonic,
                            .interval = heap_state().interval.load(std::memory_order_relaxed),
                            .symbolize = static_cast<agent::SymbolizeChoice>(options_.symbolize) !=
                                         agent::SymbolizeChoice::kNone,
                            .has_live = false,
                            .counters = {{"otprof.window.partial", 1}},
                            .label_keys = label_keys_},
                           modules, symbolizer, dictionary);
}

}  // namespace otprof::heap
