// SPDX-License-Identifier: Apache-2.0
//
// From the library's constructor to its destructor: decides whether to profile this process, puts
// the parts together and ends them in order. Everything made here lives as long as the process: a
// signal handler may touch it until the very end.
#include <sched.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "agent/background.h"
#include "agent/cpu/sampler.h"
#include "agent/log.h"
#include "agent/options.h"
#include "agent/raw_syscall.h"
#include "agent/sample.h"
#include "agent/sample_ring.h"
#include "agent/stand_down.h"
#include "interpose/hooks.h"

namespace otprof::agent {
namespace {

// Longer than arming ever takes; a kernel that is busier than that delays the program no further.
constexpr std::chrono::milliseconds kArmLimit{1000};

struct Agent {
  Options options;
  SampleRing ring;
  Background background{options, ring};
  pid_t owner = 0;  // a forked child finds another pid here: the agent is not its own
};

std::atomic<Agent*> running{nullptr};

Agent* take_agent() noexcept {
  Agent* agent = running.exchange(nullptr, std::memory_order_acq_rel);
  const bool is_own = agent != nullptr && agent->owner == raw_syscall(SYS_getpid);
  return is_own ? agent : nullptr;
}

void finish_agent() noexcept {
  if (Agent* agent = take_agent()) {
    agent->background.finish(std::chrono::milliseconds(agent->options.exit_timeout));
  }
}

// What the ring must hold between two visits of the background thread, with every CPU busy.
std::size_t ring_bytes(const Options& options) {
  constexpr std::int64_t kVisitsPerSecond = 4;
  constexpr std::int64_t kLeast = 256 << 10;
  constexpr std::int64_t kMost = 8 << 20;
  const std::int64_t record = (kSampleWords + options.max_stack_depth + 1) * 8;
  const auto cpus = static_cast<std::int64_t>(std::thread::hardware_concurrency());
  const std::int64_t wanted = 2 * record * options.cpu_hz * std::max<std::int64_t>(cpus, 1) /
                              kVisitsPerSecond;
  return static_cast<std::size_t>(std::clamp(wanted, kLeast, kMost));
}

cpu::Walker walker_of(const Options& options) {
  return static_cast<UnwinderChoice>(options.unwinder) == UnwinderChoice::kFramePointers
             ? unwind::walk_frame_pointers
             : unwind::walk_cfi;
}

void start_agent(const char* const* environment) {
  if (const char* reason = reason_to_stand_down(environment)) {
    if (*reason != '\0') {
      open_log(LogLevel::kWarn, {});
      log_warning(reason);
    }
    return;
  }
  auto* agent = new Agent;
  std::string warnings;
  agent->options = read_options(
      environment,
      [](void* context, std::string_view message) {
        static_cast<std::string*>(context)->append(message).append("\n");
      },
      &warnings);
  open_log(agent->options.level(), agent->options.log_file);
  for (std::size_t at = 0; at < warnings.size();) {
    const std::size_t end = warnings.find('\n', at);
    log_warning(std::string_view(warnings).substr(at, end - at));
    at = end + 1;
  }
  if (!agent->options.cpu) {
    return;
  }
  if (!agent->ring.create(ring_bytes(agent->options))) {
    log_error("no memory for the sample ring; not profiling");
    return;
  }
  cpu::configure_sampler({.ring = &agent->ring,
                          .wake_word = agent->background.wake_word(),
                          .walk = walker_of(agent->options),
                          .max_depth = static_cast<std::uint32_t>(agent->options.max_stack_depth)});
  agent->owner = getpid();
  interpose::set_hooks({.main_thread_exits = finish_agent});
  if (!agent->background.start(kArmLimit)) {
    log_error("no thread to be had; not profiling");
    return;
  }
  interpose::unblock_guarded_signals();
  running.store(agent, std::memory_order_release);
}

[[gnu::constructor]] void on_load(int /*argc*/, char** /*argv*/, char** environment) {
  start_agent(environment);
}

[[gnu::destructor]] void on_exit() { finish_agent(); }

}  // namespace
}  // namespace otprof::agent
