// SPDX-License-Identifier: Apache-2.0
//
// What makes CPU samples happen: the one interface of every sampling engine.
//
// Promises: start() either arms every thread of the process, present and future, or changes nothing
// and says why; while armed, each thread is sampled once per period of its own CPU time; stop()
// makes no more samples start, though one may still be in a handler. File descriptors are opened on
// the calling thread only. Agent's background thread only.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

namespace otprof::cpu {

class Engine {
 public:
  virtual ~Engine() = default;
  virtual const char* name() const = 0;
  // `period_ns` of CPU time, 100'000 .. 1'000'000'000. False with the reason in `why_not`.
  virtual bool start(std::uint64_t period_ns, std::string& why_not) = 0;
  virtual void stop() = 0;
  // At every tick of the background thread: false when the engine can no longer sample (the reason
  // in `why_not`); it has then stopped itself.
  virtual bool check(std::string& why_not) = 0;
};

// Perf events with sigtrap, Linux 5.13 and later. User time only.
std::unique_ptr<Engine> make_sigtrap_engine();
// POSIX timers on CPU clocks. With `include_kernel`, kernel time counts too.
std::unique_ptr<Engine> make_timer_engine(bool include_kernel);

enum class EngineChoice : int { kAuto, kSigtrap, kTimer };

// Starts the wanted engine or, for kAuto, the first that works: sigtrap, timer. Kernel time is the
// timer engine's alone: the others would interrupt system calls, or kill a program that is being
// executed by a signal that is still pending (docs/design/004-engines.md). nullptr when none works;
// `reasons` says in words, for a log line, why this one or why none.
std::unique_ptr<Engine> start_engine(EngineChoice choice, bool include_kernel,
                                     std::uint64_t period_ns, std::string& reasons);

}  // namespace otprof::cpu
