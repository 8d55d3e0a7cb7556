// SPDX-License-Identifier: Apache-2.0
//
// What the background thread knows of heap samples: those of the window that is under way, and those
// whose blocks are still allocated, however old. A freed block leaves no record anywhere; it is known
// by its number no longer being in the live table. So nothing can be lost on the way from free().
//
// What is alive is told as of one moment, that of note_alive(): the tables are read first, the ring
// afterwards. A block that is in a table has its record in the ring, or soon will have; a block that
// comes later is in no table that has been read, and is not counted yet. The other way round, what was
// allocated since the last record was read would be missing while what was freed since would be gone.
//
// Outlives the windows, and the sessions of the background thread; modules are therefore kept as
// copies. Memory: some 100 bytes per live block that was sampled, and 16 per frame of each different
// stack. Background thread only.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "agent/heap/heap_sample.h"
#include "agent/heap/leak_ranking.h"
#include "agent/heap/live_table.h"
#include "agent/heap/mapped_blocks.h"
#include "agent/heap/sampling.h"
#include "agent/symbols/module_map.h"
#include "agent/window.h"

namespace otprof::heap {

using agent::SeenFrame;

// Who allocated, as far as samples are told apart.
struct HeapKey {
  std::uint32_t stack = 0;
  std::int32_t tid = 0;
  unwind::StackEnd end = unwind::StackEnd::kRoot;
  std::uint32_t name = 0;    // position in HeapStore::text()
  std::uint32_t labels = 0;  // the same
  BlockKind kind = BlockKind::kAllocated;
  std::array<std::uint8_t, 16> trace_id{};
  std::array<std::uint8_t, 8> span_id{};
  bool operator==(const HeapKey&) const = default;
};
struct HeapKeyHash {
  std::size_t operator()(const HeapKey& key) const noexcept;
};

// Age of live blocks when the window ends: below this many seconds each, then all others.
inline constexpr std::array<std::uint64_t, 6> kAgeLimits = {1, 10, 60, 600, 3600, 86400};
inline constexpr std::array<const char*, kAgeLimits.size() + 1> kAgeNames = {
    "<1s", "<10s", "<1m", "<10m", "<1h", "<1d", ">=1d"};

struct HeapRow {
  HeapKey key;
  int age = -1;  // into kAgeNames; -1: what was allocated in the window, live or not
  double objects = 0;
  double bytes = 0;
};

// True when both describe one file mapped at one place, whatever their numbers.
bool is_same_module(const symbols::Module& a, const symbols::Module& b);

class HeapStore {
 public:
  // One record of the ring.
  void add(const symbols::ModuleMap& modules, const HeapSample& sample,
           std::span<const std::uint64_t> frames, std::string_view thread_name,
           std::string_view labels = {});

  // Brings the live samples down to `interval`: one taken at a shorter interval is kept with the
  // probability that makes it a sample of the longer one, so estimates stay unbiased.
  void thin(LiveTable& table, std::uint64_t interval);
  void thin(MappedBlocks& table, std::uint64_t interval);

  // After note_alive(): thins, at `interval` (the hooks may have doubled it already) or twice that and so
  // on, until the table has no more than `room` blocks. Those that are awaited come on top: without their
  // records they cannot be taken out, however long the interval. Returns the interval, kLongestInterval
  // at most.
  std::uint64_t make_room(LiveTable& table, std::size_t room, std::uint64_t interval);
  std::uint64_t make_room(MappedBlocks& table, std::size_t room, std::uint64_t interval);

  // Notes which blocks are alive at this moment, and what is left of those that were mapped; drops the
  // samples of blocks that have been freed. Records of blocks that are alive may be added afterwards.
  void note_alive(const LiveTable& table, MappedBlocks& mapped);
  // How many blocks were alive then whose records have not been added yet.
  std::size_t awaited() const { return awaited_.size(); }
  // Those records are held up by threads that have been stopped while they wrote them; they are not
  // waited for again, and count as alive from the first note_alive() after they have come. How many.
  std::size_t give_up_awaited();

  // What follows tells of the blocks that were alive at the last note_alive(), by the records added.

  // Once at the end of each window: compares what is alive with earlier windows.
  void rank_leaks(std::uint64_t now_ns);
  const LeakRanking& leaks() const { return leaks_; }

  // Allocations of this window, and live blocks; `now_ns` CLOCK_MONOTONIC.
  std::vector<HeapRow> rows(std::uint64_t now_ns) const;
  // From now on what is added is also kept for take_piece().
  void keep_pieces() { keeps_pieces_ = true; }
  // The window's allocations since the last call.
  std::vector<HeapRow> take_piece();
  // Of a row, until begin_window().
  std::span<const SeenFrame> stack(std::uint32_t index) const { return stacks_.at(index); }
  // A thread's name, or labels as the hook copied them.
  const std::string& text(std::uint32_t index) const { return texts_.at(index); }

  // What of the live blocks of malloc lies at addresses for which `is_within` says so, in bytes.
  template <typename IsWithin>
  double live_bytes(IsWithin&& is_within) const {
    double bytes = 0;
    for (const auto& [id, sample] : live_) {
      if (sample.is_alive && sample.key.kind == BlockKind::kAllocated &&
          is_within(sample.address)) {
        bytes +=
            static_cast<double>(sample.size) / sampling_probability(sample.size, sample.interval);
      }
    }
    return bytes;
  }

  // Starts the next window: forgets everything but live samples.
  void begin_window();

  std::uint64_t window_samples() const { return window_samples_; }
  std::size_t live_samples() const;
  // With those of which it is not known yet that their blocks have been freed.
  std::size_t kept_samples() const { return live_.size(); }
  using StackEnds = std::array<std::uint64_t, static_cast<std::size_t>(unwind::StackEnd::kCount)>;
  const StackEnds& stack_ends() const { return stack_ends_; }

 private:
  struct Live {
    HeapKey key;
    std::uint64_t address = 0;
    std::uint64_t size = 0;
    std::uint64_t left = 0;  // of it, less where a part has been unmapped
    // At the last note_alive(). Otherwise it was freed before that, or allocated later.
    bool is_alive = false;
    std::uint64_t interval = 0;
    std::uint64_t monotonic_ns = 0;
  };
  struct Sum {
    double objects = 0;
    double bytes = 0;
  };
  // Stacks by value, numbered.
  class Stacks {
   public:
    std::uint32_t intern(std::span<const SeenFrame> frames);
    std::span<const SeenFrame> all_frames() const { return frames_; }
    std::span<const SeenFrame> at(std::uint32_t index) const {
      return std::span(frames_).subspan(ranges_[index].first, ranges_[index].second);
    }

   private:
    std::vector<SeenFrame> frames_;
    std::vector<std::pair<std::size_t, std::size_t>> ranges_;  // first frame, count
    std::unordered_multimap<std::uint64_t, std::uint32_t> by_hash_;
  };

  // Texts by value, the same way.
  class Texts {
   public:
    std::uint32_t intern(std::string_view text);
    const std::string& at(std::uint32_t index) const { return texts_[index]; }

   private:
    std::vector<std::string> texts_;
    std::unordered_map<std::string, std::uint32_t> by_text_;
  };

  using Sums = std::unordered_map<HeapKey, Sum, HeapKeyHash>;
  template <typename Table>
  std::uint64_t make_room_in(Table& table, BlockKind kind, std::size_t room,
                             std::uint64_t interval);
  template <typename Remove>
  void thin(BlockKind kind, std::uint64_t interval, Remove&& remove);
  static void add_rows(const Sums& sums, std::vector<HeapRow>& rows);
  const symbols::Module* keep(const symbols::Module* module);

  LeakRanking leaks_;
  Stacks stacks_;
  Texts texts_;
  std::vector<SeenFrame> scratch_;
  Sums window_;
  Sums piece_;
  bool keeps_pieces_ = false;
  std::unordered_map<std::uint64_t, Live> live_;  // by sample number
  // Sample numbers that were in a table at the last note_alive(), but in no record: with what is left.
  std::unordered_map<std::uint64_t, std::uint64_t> awaited_;
  std::unordered_set<std::uint64_t> given_up_;
  std::vector<std::unique_ptr<const symbols::Module>> modules_;              // copies
  std::unordered_map<const symbols::Module*, const symbols::Module*> kept_;  // of this window
  std::uint64_t window_samples_ = 0;
  std::uint32_t copies_made_ = 0;
  std::uint64_t random_ = 1;
  StackEnds stack_ends_{};
};

}  // namespace otprof::heap
