// SPDX-License-Identifier: Apache-2.0
//
// What a walk costs: nanoseconds per frame over a chain of distinct functions with frames of
// different shapes, with the rules cached (warm) and after forgetting them (cold); libunwind beside it. And
// what it costs to find the module of an address, either way.
// Usage: walk_bench [rounds]. Prints one line per measurement: the median of 9.
#include <alloca.h>
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "agent/unwind/libunwind_walker.h"
#include "agent/unwind/module.h"
#include "agent/unwind/module_snapshot.h"
#include "agent/unwind/unwinder.h"

namespace {

namespace unwind = otprof::unwind;

constexpr unsigned kChain = 29;  // with this program's other frames and the C library's: 34
constexpr unsigned kCapacity = 128;
unsigned rounds = 20000;

unwind::StackBounds stack_bounds() {
  pthread_attr_t attributes;
  pthread_getattr_np(pthread_self(), &attributes);
  void* low = nullptr;
  std::size_t size = 0;
  pthread_attr_getstack(&attributes, &low, &size);
  pthread_attr_destroy(&attributes);
  const auto begin = reinterpret_cast<std::uintptr_t>(low);
  return {begin, begin + size};
}

double now_ns() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

template <typename Action>
void report(const char* name, unsigned times, Action action) {
  std::array<double, 9> samples{};
  unsigned depth = 0;
  for (double& sample : samples) {
    const double begin = now_ns();
    for (unsigned i = 0; i < times; ++i) depth = action();
    sample = (now_ns() - begin) / times;
  }
  std::sort(samples.begin(), samples.end());
  const double median = samples[samples.size() / 2];
  std::printf("%-22s %3u frames %9.1f ns/walk %7.2f ns/frame\n", name, depth, median,
              median / depth);
}

template <typename Find>
void report_lookup(const char* name, std::uintptr_t address, Find find) {
  std::array<double, 9> samples{};
  unwind::Module module;
  for (double& sample : samples) {
    const double begin = now_ns();
    for (unsigned i = 0; i < rounds; ++i) {
      if (!find(address, module)) std::abort();
      // The next address is not known before this answer.
      address += module.map_start & 1;
    }
    sample = (now_ns() - begin) / rounds;
  }
  std::sort(samples.begin(), samples.end());
  std::printf("%-38s %9.1f ns/lookup\n", name, samples[samples.size() / 2]);
}

void report_lookups() {
  void* opened = dlopen("libresolv.so.2", RTLD_NOW);
  if (opened == nullptr) std::abort();
  unwind::know_loaded_modules();
  unwind::renew_module_snapshot();
  const std::uintptr_t places[] = {reinterpret_cast<std::uintptr_t>(&report_lookups),
                                   reinterpret_cast<std::uintptr_t>(&std::abort),
                                   static_cast<const link_map*>(opened)->l_addr};
  const char* const names[] = {"the program", "the C library", "an opened module"};
  for (unsigned i = 0; i < 3; ++i) {
    char name[64];
    std::snprintf(name, sizeof name, "%s: %s", names[i],
                  unwind::has_find_object() ? "_dl_find_object" : "find_object");
    report_lookup(name, places[i], unwind::find_object);
    std::snprintf(name, sizeof name, "%s: the snapshot", names[i]);
    report_lookup(name, places[i], unwind::find_in_snapshot);
  }
  dlclose(opened);
}

[[gnu::noinline]] unsigned measure() {
  static std::array<std::uint64_t, kCapacity> frames;
  const unwind::StackBounds bounds = stack_bounds();
  unwind::know_loaded_modules();
  unwind::Registers registers;
  unwind::capture_registers(registers);
  report("cfi, warm", rounds,
         [&] { return unwind::walk_cfi(registers, bounds, frames.data(), kCapacity).depth; });
  report("cfi, cold", rounds / 10 + 1, [&] {
    unwind::forget_cached_rules();
    return unwind::walk_cfi(registers, bounds, frames.data(), kCapacity).depth;
  });
  report_lookups();
  unwind::prepare_libunwind();
  report("libunwind, warm", rounds / 100 + 1,
         [&] { return unwind::walk_libunwind(registers, bounds, frames.data(), kCapacity).depth; });
  return static_cast<unsigned>(frames[0]);
}

// Each level is a function of its own, whose frame keeps between zero and six registers and every
// fifth of which addresses its frame by rbp (its size is dynamic).
template <unsigned Level>
[[gnu::noinline]] unsigned level(unsigned a, unsigned b, unsigned c) {
  if constexpr (Level == 0) {
    return measure() + a + b + c;
  } else {
    volatile unsigned x = a * 3 + Level;
    volatile unsigned y = b ^ x;
    unsigned kept = x;
    if constexpr (Level % 5 == 0) {
      auto* bytes = static_cast<volatile unsigned char*>(alloca(1 + a % 64));
      bytes[0] = static_cast<unsigned char>(b);
      kept += bytes[0];
    }
    const unsigned d = x + 1, e = y + 2, f = x ^ y, g = x - y;
    const unsigned result = level<Level - 1>(a + 1, b ^ x, c + y);
    if constexpr (Level % 4 == 0) return result + kept;
    if constexpr (Level % 4 == 1) return result + kept + d * a;
    if constexpr (Level % 4 == 2) return result + kept + d * a + e * b;
    return result + kept + d * a + e * b + f * c + g;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) rounds = static_cast<unsigned>(std::max(1, std::atoi(argv[1])));
  return level<kChain>(static_cast<unsigned>(argc), 2, 3) == 12345 ? 1 : 0;
}
