// SPDX-License-Identifier: Apache-2.0
//
// What the background thread does, one tick after the other: arm the engine, move samples from the
// ring into the window, close windows when their time has come, move deliveries on. Composes the
// parts; knows nothing of threads. Background thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "agent/context_slots.h"
#include "agent/control.h"
#include "agent/control_socket.h"
#include "agent/cpu_profile.h"
#include "agent/cpu_sampling.h"
#include "agent/delivery.h"
#include "agent/effort_meter.h"
#include "agent/governor.h"
#include "agent/heap/heap_profiler.h"
#include "agent/options.h"
#include "agent/process_context.h"
#include "agent/process_facts.h"
#include "agent/resource.h"
#include "agent/sample_ring.h"
#include "agent/symbols/module_map.h"
#include "agent/symbols/symbolizer.h"
#include "agent/thread_names.h"
#include "agent/tick_correction.h"
#include "agent/window.h"

namespace otprof::agent {

class Session {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // `heap`: null when the heap is not profiled. `unforkable` is held in code whose locks must be free
  // when the process forks: the loader's, and those of the delivery's libraries.
  Session(const Options& options, SampleRing& ring, heap::HeapProfiler* heap,
          std::timed_mutex& unforkable);

  // False when nothing can be sampled; the reason has been logged.
  bool start();
  // Tells what is wrong with the settings that are not read before.
  void check_settings();
  // True while there is nothing that the end of the process would have to tell. Before prepare().
  bool has_nothing() const;
  // What can wait until the program runs: identity, delivery. Before the first tick, flush or finish.
  void prepare();
  // For a session that has_nothing(); one that has still needs finish().
  void stop_sampling();
  // Until a look finds that there is none, or none any more.
  void pause_for_tracer();
  // For good.
  void end_cpu_sampling(const char* why) { sampling_.end(why); }
  // True once the agent's is the last thread of the process: it must end, or the process never does.
  bool is_deserted() const { return is_deserted_; }
  // Does what is due; returns when it wants to be called again.
  TimePoint tick();
  // Sleeps until `until`, or until *wake_word differs from `seen`, or until a delivery moves on.
  void sleep_until(TimePoint until, const std::uint32_t* wake_word, std::uint32_t seen);
  // The window so far, delivered as far as that is possible before `deadline`: the process may be
  // about to end. Should it not, all goes on.
  void flush(TimePoint deadline);
  // The same for the last window. `is_at_exit`: the process ends, too.
  void finish(TimePoint deadline, bool is_at_exit);

 private:
  void identify();
  TimePoint step_delivery();
  void collect();
  // The same, for a window or a snapshot of now.
  void collect_all();
  void collect_cpu();
  void close_window();
  void keep_piece();
  void begin_piece();
  // Names of the keys in thread contexts, as published when the last window ended.
  std::span<const std::string> label_keys() const;
  CpuProfileFacts cpu_facts(std::uint64_t end_ns) const;
  // session_control.cc. True when a request has to be looked at again soon.
  bool serve_control();
  std::optional<int> answer(ControlRequest& request);
  void begin_next_window();
  void suspend();
  int resume();
  int change_cpu_hz(std::uint64_t hz);
  int write_snapshot(const ControlRequest& request);
  void publish_status();
  std::string tell_status();
  void look_after_memory();
  // session_budget.cc
  void begin_budget();
  void keep_budget();
  void tell_budget_once(const Rates& before, const Rates& now, const std::string& cost);
  std::uint64_t cpu_hz() const;
  std::uint64_t period_ns() const;
  static std::int64_t unix_minus_monotonic();

  const Options& options_;
  SampleRing& ring_;
  heap::HeapProfiler* heap_;
  std::timed_mutex& unforkable_;
  transport::KeyValues given_attributes_;
  std::optional<transport::SenderConfig> sender_;
  ProcessFacts facts_;
  ProcessContextReader process_context_;
  Identity identity_;
  symbols::ModuleMap modules_;
  symbols::Symbolizer symbolizer_;
  ThreadNames thread_names_;
  TickCorrection tick_correction_;
  ContextSlots context_slots_;
  std::optional<Delivery> delivery_;
  std::optional<ControlSocket> control_socket_;
  bool is_deserted_ = false;
  bool reports_leaks_ = false;  // with the window that ends now
  CpuSampling sampling_;
  std::optional<EffortMeter> effort_meter_;
  std::optional<Governor> governor_;
  bool has_told_budget_ = false;
  std::unique_ptr<Window> window_;
  std::uint64_t samples_taken_ = 0;
  std::uint64_t lost_before_ = 0;  // ring losses already counted in an earlier window
  std::uint64_t modules_missed_before_ = 0;
  std::uint64_t lost_before_piece_ = 0;  // the same, in an earlier piece
  // With a disk spool: what is in the window, but in no piece of it yet. Null: pieces are not wanted.
  std::unique_ptr<Window> piece_;
  std::uint64_t windows_closed_early_ = 0;
  std::uint64_t memory_at_start_ = 0;  // of the window, bytes
  TimePoint window_end_{};
  TimePoint piece_end_{};
  TimePoint next_check_{};
};

}  // namespace otprof::agent
