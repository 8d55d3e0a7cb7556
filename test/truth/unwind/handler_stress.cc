// SPDX-License-Identifier: Apache-2.0
//
// Walks in a signal handler while the interrupted code throws, loads and unloads modules, allocates,
// and starts threads: where an unwinder that takes a lock hangs, and one that trusts the stack
// crashes. The work is fixed; a hang is told by the test's time limit.
// Usage: handler_stress cfi|fp|libunwind
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "agent/unwind/libunwind_walker.h"
#include "agent/unwind/module.h"
#include "agent/unwind/unwinder.h"

namespace {

namespace unwind = otprof::unwind;

constexpr long kPeriodNs = 200000;
constexpr std::uint32_t kMaxFrames = 128;

decltype(&unwind::walk_cfi) walker = unwind::walk_cfi;
thread_local unwind::StackBounds own_bounds;
std::atomic<std::uint64_t> samples{0};
std::atomic<std::uint64_t> complete{0};

void on_tick(int, siginfo_t*, void* context) {
  const int saved_errno = errno;
  std::array<std::uint64_t, kMaxFrames> frames;
  const auto registers = unwind::registers_from_context(*static_cast<ucontext_t*>(context));
  const unwind::Walk walk = walker(registers, own_bounds, frames.data(), kMaxFrames);
  ++samples;
  if (walk.end == unwind::StackEnd::kRoot) ++complete;
  errno = saved_errno;
}

void start_ticking() {
  pthread_attr_t attributes;
  pthread_getattr_np(pthread_self(), &attributes);
  void* low = nullptr;
  std::size_t size = 0;
  pthread_attr_getstack(&attributes, &low, &size);
  pthread_attr_destroy(&attributes);
  own_bounds.low = reinterpret_cast<std::uintptr_t>(low);
  own_bounds.high = own_bounds.low + size;
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = SIGPROF;
  event._sigev_un._tid = static_cast<int>(syscall(SYS_gettid));
  timer_t timer;
  timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer);
  const itimerspec period = {{0, kPeriodNs}, {0, kPeriodNs}};
  timer_settime(timer, 0, &period, nullptr);
}

[[gnu::noinline]] void throw_from(int depth) {
  const std::string kept(40, 'x');
  if (depth == 0) throw std::runtime_error(kept);
  throw_from(depth - 1);
}

void throw_often() {
  for (int i = 0; i < 100000; ++i) {
    try {
      throw_from(8);
    } catch (const std::runtime_error&) {
    }
  }
}

void load_often() {
  for (int i = 0; i < 2000; ++i) {
    for (const char* name : {"libutil.so.1", "libresolv.so.2", "libBrokenLocale.so.1"}) {
      void* handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
      unwind::know_loaded_modules();
      if (handle != nullptr) dlclose(handle);
      unwind::know_loaded_modules();
      unwind::forget_cached_rules();
    }
  }
}

void allocate_often() {
  std::vector<std::string> strings(1000);
  for (unsigned i = 0; i < 10000000; ++i) strings[i % 1000].assign(i % 700, 'x');
}

void start_threads_often() {
  for (int i = 0; i < 4000; ++i) {
    std::thread([] {
      try {
        throw_from(1);
      } catch (const std::runtime_error&) {
      }
    }).join();
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string name = argc > 1 ? argv[1] : "cfi";
  if (name == "fp") walker = unwind::walk_frame_pointers;
  if (name == "libunwind") walker = unwind::walk_libunwind;
  unwind::prepare_libunwind();
  unwind::know_loaded_modules();
  struct sigaction action {};
  action.sa_sigaction = on_tick;
  action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  sigaction(SIGPROF, &action, nullptr);

  std::vector<std::thread> threads;
  for (void (*work)() : {throw_often, load_often, allocate_often, start_threads_often}) {
    threads.emplace_back([work] {
      start_ticking();
      work();
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::printf("%s: %lu samples, %lu complete\n", name.c_str(), samples.load(), complete.load());
  if (samples == 0) return 1;
  // Frame pointers find little in code that keeps none. For the others, a sample in a hundred falls on
  // the moment in which libgcc replaces the stack of a throw by that of the catch.
  return name == "fp" || complete * 100 >= samples * 90 ? 0 : 1;
}
