// SPDX-License-Identifier: Apache-2.0
#include "test/truth/cpu/ledger.h"

#include <sys/resource.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

namespace truth {
namespace {

// What the profiler's own thread has used, to the nanosecond: no part of what it reports.
std::uint64_t profiler_ns() {
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::getline(std::ifstream(task.path() / "comm"), name);
    std::uint64_t ns = 0;
    if (name == "otprof" && std::ifstream(task.path() / "schedstat") >> ns) return ns;
  }
  return 0;
}

}  // namespace

void Ledger::print() const {
  const std::uint64_t profiler = profiler_ns();
  const std::uint64_t process = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - profiler;
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto us = [](const timeval& time) { return time.tv_sec * 1'000'000L + time.tv_usec; };
  std::printf(
      "{\"process_ns\": %lu, \"profiler_ns\": %lu, \"user_us\": %ld, \"system_us\": %ld, "
      "\"parts\": {",
      process, profiler, us(used.ru_utime), us(used.ru_stime));
  const char* separator = "";
  for (const auto& [name, ns] : parts_) {
    std::printf("%s\"%s\": %lu", separator, name.c_str(), ns);
    separator = ", ";
  }
  std::printf("}}\n");
}

}  // namespace truth
