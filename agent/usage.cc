// SPDX-License-Identifier: Apache-2.0
#include "agent/usage.h"

#include <time.h>

#include <cstddef>

extern "C" int otprof_je_mallctl(const char* name, void* old_value, std::size_t* old_size,
                                 void* new_value, std::size_t new_size);

namespace otprof::agent {
namespace {

std::uint64_t read_clock(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

std::uint64_t own_memory_bytes() {
  // Figures are those of the last epoch.
  std::uint64_t epoch = 1;
  std::size_t size = sizeof epoch;
  otprof_je_mallctl("epoch", &epoch, &size, &epoch, size);
  std::size_t active = 0;
  size = sizeof active;
  return otprof_je_mallctl("stats.active", &active, &size, nullptr, 0) == 0 ? active : 0;
}

std::uint64_t own_cpu_ns() { return read_clock(CLOCK_THREAD_CPUTIME_ID); }
std::uint64_t process_cpu_ns() { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }

}  // namespace otprof::agent
