// SPDX-License-Identifier: Apache-2.0
//
// A program that knows where its CPU time goes.
//
//   accuracy_program CASE SECONDS SLICE_US
//
// CASE says which parts (parts.h) take turns; SECONDS is the CPU time of all of them together (but for
// phases); SLICE_US how long a part runs at a time. Prints what each part used (ledger.h).
#include <dlfcn.h>
#include <pthread.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "test/truth/cpu/parts.h"

namespace {

using truth::clock_ns;
using truth::Ledger;
using truth::Part;
using truth::PartFunction;
using truth::thread_ns;

#define PART(name) \
  Part { #name, name }

void take_turns(Ledger& ledger, const Part& first, double first_share, const Part& second,
                double second_share) {
  while (ledger.booked() < ledger.total_ns()) {
    ledger.run(first, first_share);
    ledger.run(second, second_share);
  }
}

// Each has its own name, by which it is booked, and uses one part of the time more than the last.
void eight_threads(Ledger& ledger) {
  constexpr unsigned kThreads = 8;
  constexpr unsigned kParts = kThreads * (kThreads + 1) / 2;
  std::vector<std::thread> threads;
  for (unsigned i = 1; i <= kThreads; ++i) {
    threads.emplace_back([&ledger, i] {
      char name[16];
      std::snprintf(name, sizeof name, "load %u", i);
      pthread_setname_np(pthread_self(), name);
      part_thread(thread_ns() + ledger.total_ns() * i / kParts);
      ledger.book(name, thread_ns());
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// The program's time is that of threads that live for half a slice on average, less than a sampling
// period, and that of main in equal parts. What the kernel needs to start a thread is booked nowhere:
// it is a tenth of such a thread's time, and engines that do not count kernel time tell nothing of it.
void short_threads(Ledger& ledger) {
  while (ledger.booked() < ledger.total_ns()) {
    std::uint64_t used = 0;
    for (int i = 0; i < 8; ++i) {
      std::thread([&] {
        const std::uint64_t start = thread_ns();
        part_thread(start + ledger.next_slice() / 2);
        used += thread_ns() - start;
      }).join();
    }
    ledger.book("part_thread", used);
    const std::uint64_t start = thread_ns();
    part_plain(start + used);
    ledger.book("part_plain", thread_ns() - start);
  }
}

// Two modules by turns, each at the address where the other was, loaded for one turn only.
void modules_by_turns(Ledger& ledger) {
  const std::string directory = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  PartFunction first_place = nullptr;
  while (ledger.booked() < ledger.total_ns()) {
    for (const auto& [name, share] : {std::pair{"turn_one", 1.4}, std::pair{"turn_two", 0.6}}) {
      void* module = dlopen((directory + "/" + name + ".so").c_str(), RTLD_NOW | RTLD_LOCAL);
      if (module == nullptr) {
        std::fprintf(stderr, "%s\n", dlerror());
        std::exit(2);
      }
      const std::string part = std::string("part_") + name;
      const auto function = reinterpret_cast<PartFunction>(dlsym(module, part.c_str()));
      if (first_place == nullptr) first_place = function;
      if (function != first_place) {
        std::fprintf(stderr, "the modules are not at the same address\n");
        std::exit(77);
      }
      ledger.run({part.c_str(), function}, share);
      dlclose(module);
    }
  }
}

// Two threads that are busy for `busy_ns` of their CPU time each, hardly ever for a quarter of a minute,
// and busy again; the split of what they use is the same all the time.
void phases(Ledger& ledger, std::uint64_t busy_ns) {
  constexpr std::uint64_t kQuietNs = 15'000'000'000;
  const auto work = [&ledger, busy_ns](std::uint64_t seed) {
    Ledger turns(0, ledger.slice_ns());
    for (std::uint64_t i = 0; i < seed; ++i) turns.next_slice();
    const auto take_turn = [&turns] {
      turns.run(PART(part_seventy), 1.4);
      turns.run(PART(part_thirty), 0.6);
    };
    const std::uint64_t start = thread_ns();
    while (thread_ns() < start + busy_ns) take_turn();
    const std::uint64_t quiet_end = clock_ns(CLOCK_MONOTONIC) + kQuietNs;
    while (clock_ns(CLOCK_MONOTONIC) < quiet_end) {
      take_turn();
      std::this_thread::sleep_for(std::chrono::nanoseconds(80 * ledger.slice_ns()));
    }
    const std::uint64_t again = thread_ns();
    while (thread_ns() < again + busy_ns) take_turn();
    ledger.book(turns);
  };
  std::thread other(work, 17);
  work(0);
  other.join();
}

struct Case {
  std::string_view name;
  Part part;
  double share;
  Part other = PART(part_plain);
  double other_share = 1;
};

constexpr Case kCases[] = {
    {"split", PART(part_seventy), 1.4, PART(part_thirty), 0.6},
    {"inlined", PART(part_inlines_it), 1.2, PART(part_inlines_it_too), 0.8},
    {"prologues", PART(part_prologues), 1},
    {"plt", PART(part_plt), 1},
    {"vdso", PART(part_vdso), 1},
    {"system_calls", PART(part_system_calls), 1},
    {"throws", PART(part_throws), 1},
    {"recursion", PART(part_200_deep), 1},
    {"odd_frames", PART(part_odd_frames), 1},
    {"context", PART(part_context), 1},
    {"own_switch", PART(part_own_switch), 1},
    {"alternate_stack", PART(part_alternate_stack), 1},
    {"generated", PART(part_generated), 1},
    {"without_tables", PART(part_without_tables), 1},
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::string_view name = argv[1];
  Ledger ledger(static_cast<std::uint64_t>(std::atof(argv[2]) * 1e9),
                static_cast<std::uint64_t>(std::atol(argv[3])) * 1000U);
  if (name == "threads") {
    eight_threads(ledger);
  } else if (name == "modules") {
    modules_by_turns(ledger);
  } else if (name == "phases") {
    phases(ledger, ledger.total_ns());
  } else if (name == "short_threads") {
    short_threads(ledger);
  } else {
    const Case* found = nullptr;
    for (const Case& one : kCases) {
      if (one.name == name) found = &one;
    }
    if (found == nullptr) return 2;
    take_turns(ledger, found->part, found->share, found->other, found->other_share);
  }
  ledger.print();
}
