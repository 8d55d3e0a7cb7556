// SPDX-License-Identifier: Apache-2.0
#include "agent/session.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include "agent/cpu/sampler.h"
#include "agent/cpu/stack_bounds.h"
#include "agent/cpu/thread_timers.h"
#include "agent/futex.h"
#include "agent/log.h"
#include "agent/otlp_config.h"
#include "agent/process_status.h"
#include "agent/profile_comments.h"
#include "agent/self_report.h"
#include "agent/symbols/unload_log.h"
#include "agent/unwind/module.h"
#include "agent/usage.h"

namespace otprof::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// How long a sample may stay in the ring: the time in which a module could be unloaded, and another
// take its place, before the sample's addresses are looked up.
constexpr milliseconds kCollectEvery{250};
// The same while heap samples come so fast that their ring would not hold that much.
constexpr milliseconds kCollectBusyEvery{20};
constexpr milliseconds kCheckEvery{1000};
// How much of the window under way is lost at most when the process is killed, if there is a disk
// spool: half of the second that is promised, because the thread may have to wait for a CPU.
constexpr milliseconds kPieceEvery{500};
// While a delivery is under way the thread waits for sockets, which a wake-up cannot interrupt.
constexpr milliseconds kLongestSocketWait{50};

symbols::Detail detail_of(const Options& options) {
  return static_cast<SymbolizeChoice>(options.symbolize) == SymbolizeChoice::kLines
             ? symbols::Detail::kLines
             : symbols::Detail::kSymbols;
}

}  // namespace

Session::Session(const Options& options, SampleRing& ring, heap::HeapProfiler* heap,
                 std::timed_mutex& unforkable)
    : options_(options),
      ring_(ring),
      heap_(heap),
      unforkable_(unforkable),
      symbolizer_("/usr/lib/debug", detail_of(options)),
      sampling_(options) {}

void Session::check_settings() {
  given_attributes_ = read_resource_attributes(options_);
  sender_ = make_sender_config(options_);
}

bool Session::has_nothing() const {
  // A spool may have something of earlier processes.
  return options_.spool_dir.empty() && !ring_.was_used() &&
         (heap_ == nullptr || (!heap_->was_used() && !options_.leak_report));
}

void Session::stop_sampling() {
  sampling_.stop();
  if (heap_ != nullptr) {
    heap_->stop();
  }
}

void Session::prepare() {
  memory_at_start_ = own_memory_bytes();  // in a forked child, the parent's
  {
    const std::lock_guard lock(unforkable_);
    modules_.refresh();
  }
  facts_ = learn_process_facts(options_, std::move(given_attributes_), modules_);
  identify();
  if (!identity_.left_out.empty()) {
    log_warning("OTEL_RESOURCE_ATTRIBUTES has more than there is room for in a profile; " +
                std::to_string(identity_.left_out.size()) + " are left out, first \"" +
                identity_.left_out.front() + "\"");
  }
  delivery_.emplace(options_, identity_, std::move(sender_));
  if (options_.control && !control_socket_.emplace().open()) {
    control_socket_.reset();
  }
  if (delivery_->wants_pieces()) {
    if (heap_ != nullptr) {
      heap_->keep_pieces();
    }
    begin_piece();
  }
}

void Session::identify() {
  identity_ = identify_process(options_, facts_, process_context_.current());
}

std::uint64_t Session::cpu_hz() const {
  return wishes().cpu_hz != 0 ? wishes().cpu_hz : static_cast<std::uint64_t>(options_.cpu_hz);
}

std::uint64_t Session::period_ns() const { return 1'000'000'000U / cpu_hz(); }

// Between the two clocks the thread may have to wait for a CPU, and all times of a window would be off by
// that: the reading that took least time counts.
std::int64_t Session::unix_minus_monotonic() {
  constexpr int kReadings = 5;
  std::uint64_t least_ns = UINT64_MAX;
  std::int64_t difference = 0;
  for (int i = 0; i < kReadings; ++i) {
    const std::uint64_t before = cpu::monotonic_ns();
    timespec wall{};
    clock_gettime(CLOCK_REALTIME, &wall);
    const std::uint64_t took = cpu::monotonic_ns() - before;
    if (took < least_ns) {
      least_ns = took;
      difference = static_cast<std::int64_t>(wall.tv_sec) * 1'000'000'000 + wall.tv_nsec -
                   static_cast<std::int64_t>(before + took / 2);
    }
  }
  return difference;
}

bool Session::start() {
  if (!cpu::calibrate_stack_bounds()) {
    log_warning(
        "this libc keeps thread stacks in a way that is not known; stacks of threads other "
        "than main will have one frame");
  }
  window_ = std::make_unique<Window>(cpu::monotonic_ns(), options_.timestamps);
  window_end_ = steady_clock::now() + milliseconds(options_.export_interval);
  next_check_ = steady_clock::now() + kCheckEvery;
  if (heap_ != nullptr) {
    heap_->start();
    if (wishes().heap_interval != 0) {
      heap_->set_interval(wishes().heap_interval);
    }
  }
  begin_budget();
  if (wishes().is_stopped) {
    suspend();
    return true;
  }
  return sampling_.start(cpu_hz()) || heap_ != nullptr;
}

void Session::pause_for_tracer() {
  sampling_.look_after(true);
  next_check_ = steady_clock::now() + kCheckEvery;
}

Session::TimePoint Session::tick() {
  collect();
  look_after_memory();
  sampling_.check();
  const TimePoint now = steady_clock::now();
  if (now >= next_check_) {
    const ProcessStatus status = read_process_status();
    is_deserted_ = status.is_deserted;
    sampling_.look_after(status.is_traced);
    keep_budget();
    next_check_ = now + kCheckEvery;
  }
  if (now >= window_end_) {
    close_window();
    window_end_ = std::max(window_end_, now) + milliseconds(options_.export_interval);
  } else if (piece_ != nullptr && now >= piece_end_) {
    keep_piece();
  }
  const TimePoint delivery_due = step_delivery();
  const bool is_busy = serve_control() || (heap_ != nullptr && heap_->is_busy());
  const TimePoint piece_due = piece_ == nullptr ? TimePoint::max() : piece_end_;
  return std::min(
      {now + (is_busy ? kCollectBusyEvery : kCollectEvery), window_end_, piece_due, delivery_due});
}

void Session::sleep_until(TimePoint until, const std::uint32_t* wake_word, std::uint32_t seen) {
  const auto left = until - steady_clock::now();
  if (delivery_->in_flight()) {
    delivery_->wait(
        std::clamp(std::chrono::ceil<milliseconds>(left), milliseconds(0), kLongestSocketWait));
  } else {
    futex_wait(wake_word, seen, left);
  }
}

void Session::finish(TimePoint deadline, bool is_at_exit) {
  stop_sampling();
  reports_leaks_ = is_at_exit;
  flush(deadline);
  delivery_->tell_summary();
}

void Session::flush(TimePoint deadline) {
  collect();
  // The disk may take longer to take the window than there is time; its last piece is there at once.
  if (piece_ != nullptr) {
    keep_piece();
  }
  close_window();
  window_end_ = steady_clock::now() + milliseconds(options_.export_interval);
  const std::lock_guard lock(unforkable_);
  delivery_->finish(deadline);
}

Session::TimePoint Session::step_delivery() {
  const std::lock_guard lock(unforkable_);
  return delivery_->step();
}

void Session::collect() {
  collect_cpu();
  if (heap_ != nullptr) {
    heap_->collect(modules_, thread_names_);
  }
}

void Session::collect_all() {
  collect_cpu();
  if (heap_ != nullptr) {
    heap_->collect_all(modules_, thread_names_);
  }
}

void Session::collect_cpu() {
  {
    const std::lock_guard lock(unforkable_);
    unwind::know_loaded_modules();
    if (modules_.refresh()) {
      unwind::forget_cached_rules();
    }
    context_slots_.refresh();
  }
  const TimePoint now = steady_clock::now();
  tick_correction_.begin_cycle(cpu::ended_threads());
  samples_taken_ += ring_.drain([&](const std::uint64_t* record, std::uint32_t words) {
    Sample sample = sample_of(record);
    if (sample.is_by_tick) {
      sample.weight = tick_correction_.corrected(sample.tid, sample.weight);
    }
    const auto [frames, labels] = tail_of(sample, frames_of(record), words - kSampleWords);
    const std::string_view thread_name = thread_names_.of(sample.tid, now);
    window_->add(modules_, sample, frames, thread_name, labels);
    if (piece_ != nullptr) {
      piece_->add(modules_, sample, frames, thread_name, labels);
    }
  });
}

std::span<const std::string> Session::label_keys() const {
  const ProcessContext* context = process_context_.current();
  return context == nullptr ? std::span<const std::string>() : context->thread_keys;
}

CpuProfileFacts Session::cpu_facts(std::uint64_t end_ns) const {
  return {.end_ns = end_ns,
          .unix_minus_monotonic = unix_minus_monotonic(),
          .period_ns = static_cast<std::int64_t>(period_ns()),
          .sampling = sampling_.facts(),
          .symbolize = static_cast<SymbolizeChoice>(options_.symbolize) != SymbolizeChoice::kNone,
          .label_keys = label_keys()};
}

void Session::close_window() {
  collect_all();
  const std::uint64_t lost = ring_.lost();
  window_->count_lost(lost - lost_before_);
  std::string problem;
  if (process_context_.refresh(problem)) {
    identify();
  }
  if (heap_ != nullptr) {
    heap_->know_label_keys(label_keys());
  }
  if (!problem.empty()) {
    log_warning(problem);
  }
  lost_before_ = lost;
  const std::uint64_t missed = symbols::UnloadLog::lost();
  window_->count_modules_missed(missed - modules_missed_before_);
  modules_missed_before_ = missed;
  const std::uint64_t now = cpu::monotonic_ns();
  sampling_.survey();
  const CpuProfileFacts facts = cpu_facts(now);
  encoder::Dictionary dictionary;
  std::vector<encoder::Profile> profiles;
  std::vector<std::string_view> kinds;
  if (!window_->is_empty()) {
    kinds.push_back("cpu");
    profiles.push_back(make_cpu_profile(*window_, facts, modules_, symbolizer_, dictionary));
  }
  if (heap_ != nullptr) {
    if (auto profile = heap_->close_window(now, facts.unix_minus_monotonic, modules_, symbolizer_,
                                           dictionary, reports_leaks_)) {
      kinds.push_back("heap");
      profiles.push_back(std::move(*profile));
    }
  }
  for (const std::string& complaint : symbolizer_.take_complaints()) {
    log_warning(complaint);
  }
  if (!profiles.empty()) {
    add_self_report({.effort = effort_meter_->read(sampling_),
                     .cost_ppm = static_cast<std::uint64_t>(
                         governor_->cost_percent(governor_->rates()) * 10'000),
                     .memory_bytes = own_memory_bytes(),
                     .windows_closed_early = windows_closed_early_,
                     .lines_unread = symbolizer_.counters().lines_unread,
                     .lines_postponed = symbolizer_.counters().lines_postponed},
                    *delivery_, dictionary, profiles.front());
    if ((options_.exporters & kExportPprof) != 0) {
      for (encoder::Profile& profile : profiles) {
        add_comments(dictionary, profile);
      }
    }
    delivery_->deliver(dictionary, profiles, kinds);
  } else {
    delivery_->skip_window();
  }
  window_ = std::make_unique<Window>(now, options_.timestamps);
  if (piece_ != nullptr) {
    begin_piece();
  }
  modules_.drop_unloaded();
  sampling_.begin_window();
  thread_names_.clear();
  memory_at_start_ = own_memory_bytes();
}

void Session::begin_piece() {
  piece_ = std::make_unique<Window>(cpu::monotonic_ns(), options_.timestamps);
  piece_end_ = steady_clock::now() + kPieceEvery;
}

void Session::keep_piece() {
  const std::uint64_t now = cpu::monotonic_ns();
  CpuProfileFacts facts = cpu_facts(now);
  facts.is_piece = true;
  encoder::Dictionary dictionary;
  std::vector<encoder::Profile> profiles;
  piece_->count_lost(ring_.lost() - lost_before_piece_);
  lost_before_piece_ = ring_.lost();
  if (!piece_->is_empty()) {
    profiles.push_back(make_cpu_profile(*piece_, facts, modules_, symbolizer_, dictionary));
  }
  if (heap_ != nullptr) {
    if (auto profile =
            heap_->piece(now, facts.unix_minus_monotonic, modules_, symbolizer_, dictionary)) {
      profiles.push_back(std::move(*profile));
    }
  }
  if (!profiles.empty()) {
    delivery_->keep_piece(dictionary, profiles);
  }
  begin_piece();
}

// What grows is the window: with every different stack, and every sample's time.
void Session::look_after_memory() {
  const auto most = static_cast<std::uint64_t>(options_.max_memory);
  // The rest is for what one more look at the rings may bring, and for the profile that is made of it all.
  const std::uint64_t enough = most / 8 * 3;
  // What a new window starts with, symbols and live blocks, does not get less by closing it.
  if (own_memory_bytes() <= std::max(enough, memory_at_start_ + most / 8)) {
    return;
  }
  if (windows_closed_early_++ == 0) {
    log_warning("the profiler's memory nears OTPROF_MAX_MEMORY (" +
                std::to_string(options_.max_memory >> 20U) +
                " MiB); windows are closed early, which is counted");
  }
  window_end_ = steady_clock::now();
}

}  // namespace otprof::agent
