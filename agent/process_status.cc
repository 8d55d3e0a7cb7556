// SPDX-License-Identifier: Apache-2.0
#include "agent/process_status.h"

#include <sys/wait.h>
#include <time.h>

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/cpu/thread_clocks.h"
#include "agent/cpu/thread_list.h"
#include "agent/proc_file.h"
#include "agent/raw_syscall.h"

namespace otprof::agent {
namespace {

// The first word after "NAME:" at the start of a line.
std::string_view field(std::string_view status, std::string_view name) {
  std::size_t at = status.find(name);
  if (at == std::string_view::npos) {
    return {};
  }
  at = status.find_first_not_of(" \t", at + name.size());
  return at == std::string_view::npos ? std::string_view{}
                                      : status.substr(at, status.find_first_of(" \t\n", at) - at);
}

}  // namespace

ProcessStatus read_process_status() {
  const std::string status = read_small_file("/proc/self/status");
  const std::string_view tracer = field(status, "\nTracerPid:");
  return {.is_traced = !tracer.empty() && tracer != "0",
          .is_deserted = field(status, "\nState:") == "Z" && field(status, "\nThreads:") == "2"};
}

bool is_blocking(pid_t tid, int signal) {
  const std::string status =
      read_small_file(("/proc/self/task/" + std::to_string(tid) + "/status").c_str());
  const std::string_view mask = field(status, "\nSigBlk:");
  std::uint64_t bits = 0;
  std::from_chars(mask.data(), mask.data() + mask.size(), bits, 16);
  // libc blocks all signals for a moment, when it makes a thread, say. Of the two it keeps to itself (32
  // and 33) programs cannot block either through it.
  constexpr std::uint64_t kOfLibc = std::uint64_t{3} << 31U;
  return (bits >> (signal - 1) & 1U) != 0 && (bits & kOfLibc) != kOfLibc;
}

std::uint64_t cpu_time_of(pid_t tid) { return cpu::read_clock(tid, cpu::ThreadClock::kPrecise); }

std::vector<pid_t> threads_blocking(int signal, std::size_t most) {
  std::vector<pid_t> threads = cpu::threads_of_process();
  std::erase(threads, static_cast<pid_t>(raw_syscall(SYS_gettid)));
  const std::size_t stride = (threads.size() + most - 1) / most;
  std::vector<pid_t> blocking;
  for (std::size_t i = 0; i < threads.size(); i += stride) {
    if (is_blocking(threads[i], signal)) {
      blocking.push_back(threads[i]);
    }
  }
  return blocking;
}

int exit_code_of_main_thread() {
  // The last field of the line, in the form that waitpid reports.
  const std::string stat = read_small_file("/proc/self/stat");
  const std::size_t at = stat.find_last_of(' ');
  int status = 0;
  if (at != std::string::npos) {
    std::from_chars(stat.data() + at + 1, stat.data() + stat.size(), status);
  }
  return WEXITSTATUS(status);
}

}  // namespace otprof::agent
