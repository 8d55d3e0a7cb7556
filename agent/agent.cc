// SPDX-License-Identifier: Apache-2.0
//
// From the library's constructor to its destructor: decides whether to profile this process, puts
// the parts together and ends them in order. Everything made here lives as long as the process: a
// signal handler may touch it until the very end.
#include <pthread.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "agent/background.h"
#include "agent/control.h"
#include "agent/cpu/sampler.h"
#include "agent/cpu/stack_bounds.h"
#include "agent/cpu/thread_timers.h"
#include "agent/heap/heap_profiler.h"
#include "agent/late_signals.h"
#include "agent/log.h"
#include "agent/options.h"
#include "agent/own_filters.h"
#include "agent/raw_syscall.h"
#include "agent/sample.h"
#include "agent/sample_ring.h"
#include "agent/start_options.h"
#include "agent/symbols/unload_log.h"
#include "agent/unusual_calls.h"
#include "agent/unwind/module.h"
#include "agent/unwind/probed_stack.h"
#include "agent/unwind/unwinder.h"
#include "agent/walker.h"
#include "interpose/allocation_hooks.h"
#include "interpose/hooks.h"
#include "interpose/stand_down.h"

namespace otprof::agent {
namespace {

// Longer than arming ever takes; a kernel that is busier than that delays the program no further.
constexpr std::chrono::milliseconds kArmLimit{1000};
// How long a fork may wait for the background thread to leave a library; the longest stay, reading the
// system's certificates, takes 30 ms of CPU time.
constexpr std::chrono::milliseconds kForkHoldLimit{50};
// Within that other threads have left the handlers they are in.
constexpr timespec kLastHandlers{.tv_sec = 0, .tv_nsec = 2'000'000};

// What the ring must hold between two visits of the background thread, with every CPU busy.
std::size_t ring_bytes(const Options& options) {
  constexpr std::int64_t kVisitsPerSecond = 4;
  constexpr std::int64_t kLeast = 256 << 10;
  constexpr std::int64_t kMost = 8 << 20;
  const std::int64_t record = (kSampleWords + options.max_stack_depth + 1) * 8;
  const auto cpus = static_cast<std::int64_t>(std::thread::hardware_concurrency());
  const std::int64_t wanted =
      2 * record * options.cpu_hz * std::max<std::int64_t>(cpus, 1) / kVisitsPerSecond;
  return static_cast<std::size_t>(std::clamp(wanted, kLeast, kMost));
}

struct Agent {
  Options options;
  SampleRing ring;
  // Made anew in a forked child and after a pause; the old one is then left as it is, because its
  // thread may not have ended, or never existed in this process.
  Background* background = nullptr;
  heap::HeapProfiler* heap = nullptr;  // null: the heap is not profiled
  pid_t owner = 0;  // a child that was forked without being followed finds another pid here
  // The thread that forks and meanwhile holds the background thread; pthread_t{}: none. Threads may
  // fork at the same time.
  std::atomic<pthread_t> holder{};
};

std::atomic<Agent*> running{nullptr};

// Null if this process has none: it is the child of a fork that was not followed, or of a vfork, whose
// memory is another process's. Also in a signal handler.
Agent* own_agent() noexcept {
  Agent* agent = running.load(std::memory_order_acquire);
  const bool is_own = agent != nullptr && agent->owner == raw_syscall(SYS_getpid);
  return is_own ? agent : nullptr;
}

// A thread that is made before would not be sampled; a root or a filter that is put on before would
// be the background thread's too.
void wait_until_armed() noexcept {
  if (const Agent* agent = own_agent()) {
    agent->background->wait_until_armed(kArmLimit);
    interpose::call_before_thread_start(nullptr);
  }
}

// From then on the program's threads may be ended for any system call that the program itself would not
// make, those that it makes anyway when it ends or forks excepted.
std::atomic<bool> is_filtered{false};

// False once no signal has a handler of ours.
std::atomic<bool> has_handlers{true};

// Files that are read now could not be read later.
void wait_until_ready() noexcept {
  wait_until_armed();
  if (const Agent* agent = own_agent()) {
    agent->background->hurry(kArmLimit);
  }
}

// True in the child of a vfork, whose memory, the agent's included, is its parent's.
bool is_in_borrowed_memory() noexcept {
  const Agent* agent = running.load(std::memory_order_acquire);
  return agent != nullptr && agent->owner != raw_syscall(SYS_getpid);
}

// From now on the program's threads are left alone by everything but samples. False where nothing may be
// changed, because it is another process's.
bool begin_sandbox() noexcept {
  if (is_filtered.load(std::memory_order_relaxed)) {
    return true;
  }
  if (is_in_borrowed_memory()) {
    return false;
  }
  wait_until_ready();
  is_filtered.store(true, std::memory_order_relaxed);
  cpu::leave_threads_alone();
  return true;
}

// No handler of ours runs from now on. `before`: the filters that are in force by now. The dispositions are the
// process's, so the agent's thread sets them where it may; what is left is done here.
void end_handlers(const char* why, bool must_not_call, const FilterEffects& before) noexcept {
  const Agent* agent = running.load(std::memory_order_acquire);
  const bool has_ended =
      agent == nullptr || agent->background->end_cpu_sampling(
                              why, must_not_call, before.agent_may_set_actions, kArmLimit);
  if (before.may_set_actions) {
    interpose::leave_guarded_signals(has_ended);
    interpose::leave_end_signals();
  }
  if (has_ended && before.may_set_mask) {
    interpose::block_as_believed();
  }
}

// Other threads come out of the handlers that they are in.
void wait_for_last_handlers(bool must_not_call) noexcept {
  if (!must_not_call) {
    raw_syscall(SYS_nanosleep, syscall_argument(&kLastHandlers));
    return;
  }
  const auto until =
      std::chrono::steady_clock::now() + std::chrono::nanoseconds(kLastHandlers.tv_nsec);
  while (std::chrono::steady_clock::now() < until) {
    __builtin_ia32_pause();
  }
}

void begin_filter(const sock_fprog* filter, bool is_for_all_threads) noexcept {
  const bool was_filtered = is_filtered.load(std::memory_order_relaxed);
  if (!begin_sandbox()) {
    return;
  }
  const FilterEffects before = filters_so_far();
  const FilterEffects effects = add_filter(filter, is_for_all_threads);
  if (!effects.is_in_force) {
    return;
  }
  if (!effects.end_signals_work) {
    interpose::never_ask_for_process();
  }
  if (!effects.may_probe_stacks) {
    unwind::never_probe_stacks();
    interpose::never_look_at_alternate_stacks();
    cpu::never_ask_for_tid();
  }
  if (!effects.handlers_return) {
    if (has_handlers.exchange(false)) {
      end_handlers("the program's filter of system calls lets no signal handler return",
                   was_filtered, before);
      if (is_for_all_threads) {
        wait_for_last_handlers(was_filtered);
      }
    }
  } else if (!effects.end_signals_work && before.may_set_actions) {
    interpose::leave_end_signals();
  }
}

void begin_dispatch() noexcept {
  const bool was_filtered = is_filtered.load(std::memory_order_relaxed);
  if (!begin_sandbox()) {
    return;
  }
  interpose::never_ask_for_process();
  if (has_handlers.exchange(false)) {
    end_handlers("the program has its system calls dispatched to itself", was_filtered,
                 filters_so_far());
  }
}

// How long the program waits for sampling to be armed. In a forked child not at all: many execute
// another program at once, or end. What must not happen before waits for it then.
enum class Wait { kUntilArmed, kLater };

bool start_background(Agent& agent, Wait wait) {
  agent.background = new Background(agent.options, agent.ring, agent.heap);
  // As inherited by a fork: not for our thread.
  interpose::call_on_thread_start(nullptr);
  interpose::call_before_thread_start(nullptr);
  cpu::configure_sampler(
      {.ring = &agent.ring,
       .walk = prepare_walker(agent.options),
       .max_depth = static_cast<std::uint32_t>(agent.options.max_stack_depth),
       .only_in_trace = agent.options.sampling.mode == SamplingMode::kTrace,
       .slow_ns = 1000 * static_cast<std::uint64_t>(agent.options.max_sample_latency)});
  agent.owner = getpid();
  if (!agent.background->start(wait == Wait::kLater ? std::chrono::milliseconds(0) : kArmLimit)) {
    log_error("no thread to be had; not profiling");
    return false;
  }
  interpose::unblock_guarded_signals();
  running.store(&agent, std::memory_order_release);
  if (wait == Wait::kLater) {
    interpose::call_before_thread_start(wait_until_armed);
  }
  return true;
}

// True if that was all that can be done at the end of this process.
bool flush_if_filtered() noexcept {
  if (!is_filtered.load(std::memory_order_relaxed)) {
    return false;
  }
  if (const Agent* agent = running.load(std::memory_order_acquire)) {
    agent->background->flush_without_calls(std::chrono::milliseconds(agent->options.exit_timeout));
  }
  return true;
}

// This process's agent, which from now on is no longer running.
Agent* take_agent() noexcept {
  return own_agent() == nullptr ? nullptr : running.exchange(nullptr, std::memory_order_acq_rel);
}

void finish_agent() noexcept {
  if (flush_if_filtered()) {
    return;
  }
  if (Agent* agent = take_agent()) {
    agent->background->finish(std::chrono::milliseconds(agent->options.exit_timeout), true);
  }
}

// The process may be about to end.
void flush_agent() noexcept {
  if (flush_if_filtered()) {
    return;
  }
  if (const Agent* agent = own_agent()) {
    agent->background->flush(std::chrono::milliseconds(agent->options.exit_timeout));
  }
}

// The process ends for sure, by exit() or _exit().
void finish_at_exit() noexcept {
  if (is_filtered.load(std::memory_order_relaxed) || own_agent() == nullptr) {
    finish_agent();
    return;
  }
  const LateSignals late;
  finish_agent();
}
void flush_at_exit() noexcept {
  if (is_filtered.load(std::memory_order_relaxed) || own_agent() == nullptr) {
    flush_agent();
    return;
  }
  const LateSignals late;
  flush_agent();
}

// The log is read by the background thread; rules of what is gone must not serve what comes next.
void before_module_unload() noexcept {
  symbols::UnloadLog::look(cpu::monotonic_ns());
  unwind::know_loaded_modules();
}
void after_module_unload() noexcept {
  unwind::know_loaded_modules();
  if (symbols::UnloadLog::look(cpu::monotonic_ns())) {
    unwind::forget_cached_rules();
  }
}

// unshare() and setns() refuse a process with more threads than the caller's: for the call ours
// makes way. Only the thread it made way for brings it back; others may be in such calls meanwhile.
std::atomic<Agent*> paused{nullptr};
std::atomic<pthread_t> pauser{};

void pause_agent() noexcept {
  if (Agent* agent = take_agent()) {
    agent->background->finish(std::chrono::milliseconds(agent->options.exit_timeout), false);
    pauser.store(pthread_self(), std::memory_order_relaxed);
    paused.store(agent, std::memory_order_release);
  }
}

void resume_agent() noexcept {
  if (pauser.load(std::memory_order_relaxed) != pthread_self()) {
    return;
  }
  if (Agent* agent = paused.exchange(nullptr, std::memory_order_acq_rel)) {
    start_background(*agent, Wait::kUntilArmed);
  }
}

void begin_tracing() noexcept {
  if (is_filtered.load(std::memory_order_relaxed)) {
    return;
  }
  if (const Agent* agent = own_agent()) {
    agent->background->pause_for_tracer(kArmLimit);
  }
}

// The answers that the agent's thread would give must be the program's. One that cannot take on its
// rights makes way.
bool begin_identity_change() noexcept {
  // The calls that it takes might be the program's end; nor has the agent's thread the filter.
  if (is_filtered.load(std::memory_order_relaxed)) {
    return false;
  }
  if (const Agent* agent = own_agent();
      agent != nullptr && !agent->background->match_credentials(kArmLimit)) {
    pause_agent();
  }
  return true;
}

void end_identity_change() noexcept {
  if (is_filtered.load(std::memory_order_relaxed)) {
    return;
  }
  if (const Agent* agent = own_agent()) {
    agent->background->credentials_changed();
  }
  resume_agent();
}

// A fork copies locks as they are, the loader's and those of our libraries included; so the background
// thread is kept away from them meanwhile. Its data need no such care: a child makes its own.
void before_fork() noexcept {
  Agent* agent = running.load(std::memory_order_acquire);
  if (is_filtered.load(std::memory_order_relaxed)) {
    return;  // waiting is a system call, and the child gets no agent anyway
  }
  if (agent != nullptr && agent->background->hold(kForkHoldLimit)) {
    agent->holder.store(pthread_self());
  }
}

// True once for each hold, in the thread that has it; in a child that is the copy of that thread.
bool take_hold(Agent& agent) noexcept {
  pthread_t self = pthread_self();
  return agent.holder.compare_exchange_strong(self, pthread_t{});
}

void after_fork_in_parent() noexcept {
  Agent* agent = running.load(std::memory_order_acquire);
  if (agent != nullptr && take_hold(*agent)) {
    agent->background->release();
  }
}

// No event and no thread of the agent's came along into the child, only the handler. With follow it
// gets its own: own window, own identity.
void after_fork_in_child() noexcept {
  control_queue().reset();
  LateSignals::forget_in_child();
  interpose::guard_on_in_child();
  // Made while another thread had the agent make way: what would bring it back is not here.
  if (const Agent* agent = paused.exchange(nullptr, std::memory_order_acq_rel);
      agent != nullptr && agent->heap != nullptr) {
    agent->heap->stop();
  }
  Agent* agent = running.exchange(nullptr, std::memory_order_acq_rel);
  if (agent == nullptr) {
    return;
  }
  if (is_filtered.load(std::memory_order_relaxed)) {
    // The filter is the child's, too, and would be its background thread's.
    if (agent->heap != nullptr) {
      agent->heap->stop();
    }
    return;
  }
  log_from_own_table();
  const bool is_followed = static_cast<ForkChoice>(agent->options.fork) == ForkChoice::kFollow;
  if (!is_followed || !take_hold(*agent)) {
    if (is_followed) {
      log_warning("a forked child is not profiled: the agent was too busy to be forked safely");
    }
    if (agent->heap != nullptr) {
      agent->heap->stop();
    }
    return;
  }
  agent->ring.reset();
  if (agent->heap != nullptr) {
    // What the parent's background thread was doing to the old one is not known.
    agent->heap = new heap::HeapProfiler(agent->options);
    if (!agent->heap->prepare_in_child()) {
      agent->heap = nullptr;
    }
  }
  start_background(*agent, Wait::kLater);
}

void start_agent(const char* const* arguments, const char* const* environment) {
  if (const char* reason = interpose::reason_to_stand_down(arguments, environment)) {
    if (*reason != '\0') {
      open_log(LogLevel::kWarn, {});
      log_warning(reason);
    }
    return;
  }
  probe_unusual_calls();
  if (!survives_handlers()) {
    open_log(LogLevel::kWarn, {});
    log_warning(
        "started under a filter of system calls that lets no signal handler return; not profiling");
    return;
  }
  auto* agent = new Agent;
  agent->options = options_at_start(environment);
  tell_of_allocator(agent->options);
  if (!agent->options.cpu && !agent->options.heap) {
    return;
  }
  if (!is_chosen(agent->options.sampling)) {
    log_info("not profiling: OTPROF_SAMPLING profiles a share of the processes, not this one");
    return;
  }
  // Not again in a forked child, whose copy of the loader's lock another thread may have held: it has the copy.
  unwind::know_loaded_modules();
  log_info(unwind::has_find_object()
               ? "modules are found by the C library's _dl_find_object"
               : "modules are found in a copy of the loader's list: this C library has no "
                 "_dl_find_object");
  if (!agent->ring.create(ring_bytes(agent->options))) {
    log_error("no memory for the sample ring; not profiling");
    return;
  }
  if (agent->options.heap) {
    agent->heap = new heap::HeapProfiler(agent->options);
    if (!agent->heap->prepare()) {
      log_error("no memory to profile the heap with");
      agent->heap = nullptr;
    }
  }
  interpose::set_hooks({.main_thread_exits = finish_agent,
                        .strict_sandbox_begins = finish_agent,
                        .process_exits = flush_at_exit,
                        .process_ends = flush_agent,
                        .filter_sandbox_begins = begin_filter,
                        .dispatch_begins = begin_dispatch,
                        .tracing_begins = begin_tracing,
                        .identity_changes = begin_identity_change,
                        .identity_changed = end_identity_change,
                        .root_changes = wait_until_ready,
                        .before_single_threaded_call = pause_agent,
                        .after_single_threaded_call = resume_agent,
                        .before_module_unload = before_module_unload,
                        .after_module_unload = after_module_unload});
  // After the thread's creation has made the host's allocator register its own fork handlers: in a
  // child those must run before ours, which allocates.
  if (start_background(*agent, Wait::kUntilArmed)) {
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
    at_quick_exit(finish_at_exit);  // the last to run, because the first to be there
    interpose::watch_end_signals();
  }
}

[[gnu::constructor]] void on_load(int /*argc*/, char** arguments, char** environment) {
  start_agent(arguments, environment);
}

[[gnu::destructor]] void on_exit() { finish_at_exit(); }

}  // namespace
}  // namespace otprof::agent
