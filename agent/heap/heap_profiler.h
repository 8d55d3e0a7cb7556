// SPDX-License-Identifier: Apache-2.0
//
// The heap side of the agent, as the rest of it sees it: start, collect, close a window.
// Lives as long as the process. Background thread only, but for the constructor.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "agent/heap/heap_state.h"
#include "agent/heap/heap_store.h"
#include "agent/options.h"
#include "agent/sample_ring.h"
#include "agent/symbols/module_map.h"
#include "agent/symbols/symbolizer.h"
#include "agent/thread_names.h"
#include "encoder/dictionary.h"
#include "encoder/profile.h"

namespace otprof::heap {

class HeapProfiler {
 public:
  // `options` must outlive it. Maps memory, starts nothing.
  explicit HeapProfiler(const agent::Options& options);
  HeapProfiler(const HeapProfiler&) = delete;
  HeapProfiler& operator=(const HeapProfiler&) = delete;

  // Puts the hooks in place; once per process, while it has one thread. False: no memory.
  bool prepare();
  // The same for a new object in a forked child, on its one thread; the hooks are there already. What
  // the parent has sampled is the parent's.
  bool prepare_in_child();

  // Samples from now on; also after stop(). Stack bounds must be known.
  void start();
  void stop();

  // Moves samples from the ring into the store, and makes room in the live table when it fills up.
  void collect(const symbols::ModuleMap& modules, agent::ThreadNames& names);
  // The same, and notes what is alive: for the profile of now. Waits up to 50 ms for records that other
  // threads are writing.
  void collect_all(const symbols::ModuleMap& modules, agent::ThreadNames& names);

  // False while there has been no sample.
  bool was_used() const { return ring_.was_used(); }
  // True when the ring would not hold what comes in a quarter of a second.
  bool is_busy() const { return is_busy_; }

  // Mean bytes between samples from now on, 1 .. 2^40; samples carry the one they were taken at.
  void set_interval(std::uint64_t bytes);
  std::uint64_t interval() const;
  // So many times twice the interval that was set, or configured.
  void raise_interval(std::uint32_t doublings);

  // Names of the keys in thread contexts; must stay valid until the next call of this.
  void know_label_keys(std::span<const std::string> keys) { label_keys_ = keys; }

  // What there is in the current window and alive, perhaps nothing; the window goes on. After
  // collect_all(), like close_window().
  encoder::Profile profile(std::uint64_t now_ns, std::int64_t unix_minus_monotonic,
                           symbols::ModuleMap& modules, symbols::Symbolizer& symbolizer,
                           encoder::Dictionary& dictionary);
  // The window that ends now, if there is anything in it or alive; starts the next one.
  // `is_at_exit`: the last one, after which what is still allocated is reported if that is wanted.
  std::optional<encoder::Profile> close_window(std::uint64_t now_ns,
                                               std::int64_t unix_minus_monotonic,
                                               symbols::ModuleMap& modules,
                                               symbols::Symbolizer& symbolizer,
                                               encoder::Dictionary& dictionary, bool is_at_exit);

  // From now on piece() is called every now and then.
  void keep_pieces() { store_.keep_pieces(); }
  // What the window that is under way has got since the last call, if anything: allocations only.
  std::optional<encoder::Profile> piece(std::uint64_t now_ns, std::int64_t unix_minus_monotonic,
                                        symbols::ModuleMap& modules,
                                        symbols::Symbolizer& symbolizer,
                                        encoder::Dictionary& dictionary);

 private:
  // Longer intervals for what no longer fits into the tables.
  void make_room();
  template <typename Table>
  void make_room(Table& table, std::size_t room, std::atomic<std::uint64_t>& interval,
                 const char* blocks);
  void note_alive();
  std::size_t drain(const symbols::ModuleMap& modules, agent::ThreadNames& names);
  using Counters = std::vector<std::pair<std::string, std::int64_t>>;
  Counters counters();
  bool follows_all() const;
  void add_memory(Counters& counters);

  const agent::Options& options_;
  agent::SampleRing ring_;
  HeapStore store_;
  std::span<const std::string> label_keys_;
  bool is_started_ = false;
  bool is_busy_ = false;
  std::uint32_t raised_ = 0;  // by raise_interval()
  std::size_t kept_when_noted_ = 0;
  HeapState::Totals totals_;  // at the last note_alive()
  std::uint64_t late_samples_ = 0;
  std::uint64_t next_split_ns_ = 0;
  std::uint64_t window_start_ns_ = 0;
  std::uint64_t piece_start_ns_ = 0;
};

}  // namespace otprof::heap
