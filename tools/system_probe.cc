// SPDX-License-Identifier: Apache-2.0
#include "tools/system_probe.h"

#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>

#include "tools/program_check.h"

namespace otprof::tools {
namespace {

struct Version {
  int major = 0;
  int minor = 0;
};

Version version_of(const char* text) {
  Version version;
  std::sscanf(text, "%d.%d", &version.major, &version.minor);
  return version;
}

std::string word_of_file(const char* path) {
  std::ifstream file(path);
  std::string word;
  file >> word;
  return word;
}

// The errno of perf_event_open, 0 if it works. The event is closed at once and never fires.
int try_event(bool sigtrap, bool kernel_too) {
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.config = PERF_COUNT_SW_TASK_CLOCK;
  attributes.sample_period = 10'000'000;
  attributes.disabled = 1;
  attributes.exclude_kernel = kernel_too ? 0 : 1;
  attributes.exclude_hv = 1;
  // By their numbers: the kernel's headers may be older than the kernel.
  constexpr std::size_t kFlagsWord = 5;
  constexpr std::uint64_t kInheritThreadRemoveOnExecSigtrap = 7ULL << 35U;
  std::array<std::uint64_t, 16> words{};
  if (sigtrap) {
    attributes.inherit = 1;
    attributes.size = sizeof words;
  }
  std::memcpy(words.data(), &attributes, std::min(sizeof attributes, sizeof words));
  if (sigtrap) words[kFlagsWord] |= kInheritThreadRemoveOnExecSigtrap;
  const long event = syscall(SYS_perf_event_open, words.data(), 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
  if (event < 0) return errno;
  close(static_cast<int>(event));
  return 0;
}

std::string explain(int error, const std::string& paranoid) {
  switch (error) {
    case EPERM:
    case EACCES:
      return "refused (" + std::string(std::strerror(error)) + "): perf_event_paranoid is " +
             paranoid + ", and a container's seccomp profile may forbid it";
    case ENOSYS: return "this kernel, or a sandbox, has no perf events";
    case EINVAL: return "this kernel does not know it";
    default: return std::strerror(error);
  }
}

bool timers_work() {
  clockid_t clock = 0;
  timer_t timer{};
  sigevent event{};
  event.sigev_notify = SIGEV_NONE;
  if (pthread_getcpuclockid(pthread_self(), &clock) != 0 ||
      timer_create(clock, &event, &timer) != 0) {
    return false;
  }
  timer_delete(timer);
  return true;
}

}  // namespace

std::vector<Finding> probe_system() {
  std::vector<Finding> findings;
  utsname system{};
  uname(&system);
  const Version release = version_of(system.release);
  const bool has_sigtrap = release.major > 5 || (release.major == 5 && release.minor >= 13);
  findings.push_back({has_sigtrap, std::string("kernel ") + system.release,
                      has_sigtrap ? "perf events can raise SIGTRAP" : "SIGTRAP events need 5.13"});
  const char* const libc = gnu_get_libc_version();
  // Since 2.35; some distributions have it in older versions.
  const bool has_find_object = dlsym(RTLD_DEFAULT, "_dl_find_object") != nullptr;
  findings.push_back({true, std::string("glibc ") + libc,
                      has_find_object
                          ? "modules are found by its _dl_find_object"
                          : "has no _dl_find_object: modules are found in a copy of the "
                            "loader's list"});
  std::string paranoid = word_of_file("/proc/sys/kernel/perf_event_paranoid");
  if (paranoid.empty()) paranoid = "unknown";

  const int sigtrap = try_event(true, false);
  findings.push_back({sigtrap == 0, "engine sigtrap",
                      sigtrap == 0 ? "works: every thread, no interrupted system calls"
                                   : explain(sigtrap, paranoid)});
  const int perf = try_event(false, false);
  findings.push_back({perf == 0, "engine perf", perf == 0 ? "works" : explain(perf, paranoid)});
  const bool timer = timers_work();
  findings.push_back({timer, "engine timer",
                      timer ? "works: at most one sample per kernel tick, weighted"
                            : "no timers on thread CPU clocks"});
  const int kernel = try_event(false, true);
  findings.push_back(
      {kernel == 0, "kernel time",
       kernel == 0 ? "may be sampled (OTPROF_INCLUDE_SYSCALLS)" : explain(kernel, paranoid)});
  return findings;
}

Finding probe_program(const std::string& name) {
  const ProgramFacts facts = check_program(name);
  if (facts.path.empty()) return {false, name, "is no program that can be found"};
  if (!facts.obstacle.empty()) return {false, facts.path, facts.obstacle};
  return {true, facts.path, "can be profiled"};
}

}  // namespace otprof::tools
