// SPDX-License-Identifier: Apache-2.0
//
// What makes CPU samples happen: the one interface of every sampling engine.
//
// Promises: start() either arms the threads of the process, present and future, or changes nothing
// and says why; while armed, each thread is sampled once per period of its own CPU time; a thread
// that cannot be is counted. stop() makes no more samples start, though one may still be in a
// handler. File descriptors are opened on the calling thread only. Agent's background thread only.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

namespace otprof::cpu {

// One sample for every `factor` periods of `period_ns` of CPU time, 100'000 .. 1'000'000'000; its
// weight is the factor, 1 .. 65535, so that sums are in periods whatever the factor is.
struct Rate {
  std::uint64_t period_ns = 0;
  std::uint32_t factor = 1;
};

class Engine {
 public:
  virtual ~Engine() = default;
  virtual const char* name() const = 0;
  // The signal that samples are taken by: a thread that blocks it has none.
  virtual int signal() const = 0;
  // False with the reason in `why_not`.
  virtual bool start(const Rate& rate, std::string& why_not) = 0;
  virtual void stop() = 0;
  // Several times a second; cheap. False when the engine can no longer sample (the reason in
  // `why_not`); it has then stopped itself.
  bool check(std::string& why_not);
  // Once a second: looks for threads that have begun or ended unnoticed.
  virtual void look_for_threads() = 0;
  // Threads that could not be armed when they were last looked for.
  virtual std::uint64_t unarmed_threads() const = 0;
  // What the kernel spends for one of its signals, ns (interrupt_cost.h).
  virtual std::uint64_t signal_cost_ns() const = 0;
};

// Perf events with sigtrap, Linux 5.13 and later. User time only.
std::unique_ptr<Engine> make_sigtrap_engine();
// A perf event for each thread, announced by SIGPROF. User time only.
std::unique_ptr<Engine> make_perf_engine();
// POSIX timers on CPU clocks. With `include_kernel`, kernel time counts too.
std::unique_ptr<Engine> make_timer_engine(bool include_kernel);

enum class EngineChoice : int { kAuto, kSigtrap, kPerf, kTimer };

struct EngineWish {
  EngineChoice choice = EngineChoice::kAuto;
  bool include_kernel = false;
  Rate rate;
};

// Starts the wanted engine, and the timer where that does not work; for kAuto the first that works:
// sigtrap, perf, timer. Kernel time is
// the timer engine's alone: the others would interrupt system calls, or kill a program that is being
// executed by a signal that is still pending (docs/design/004-engines.md). nullptr when none works;
// `reasons` says in words, for a log line, why none of those before it, or why none at all.
std::unique_ptr<Engine> start_engine(const EngineWish& wish, std::string& reasons);

}  // namespace otprof::cpu
