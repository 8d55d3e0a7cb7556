// SPDX-License-Identifier: Apache-2.0
#include "agent/stand_down.h"

#include <dlfcn.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "agent/option_values.h"
#include "agent/options.h"
#include "agent/raw_syscall.h"

namespace otprof::agent {
namespace {

bool variable_is(const char* const* environment, std::string_view name, std::string_view word) {
  const char* value = find_variable(environment, name);
  return value != nullptr && equal_ignoring_case(trimmed(value), word);
}

bool is_meant(const char* const* environment) {
  const char* list = find_variable(environment, "OTPROF_ONLY");
  std::string_view globs = list == nullptr ? std::string_view{} : trimmed(list);
  if (globs.empty()) {
    return true;
  }
  char path[4096];
  const ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);
  path[size < 0 ? 0 : size] = '\0';
  const char* slash = strrchr(path, '/');
  const char* name = slash == nullptr ? path : slash + 1;
  while (!globs.empty()) {
    if (fnmatch(std::string(next_item(globs)).c_str(), name, 0) == 0) {
      return true;
    }
  }
  return false;
}

// Sanitizers own the allocator, the signals and the stacks of their process.
bool has_sanitizer() {
  return dlsym(RTLD_DEFAULT, "__asan_init") != nullptr ||
         dlsym(RTLD_DEFAULT, "__tsan_init") != nullptr ||
         dlsym(RTLD_DEFAULT, "__msan_init") != nullptr;
}

// The process that browsers made of Chromium (Electron, CEF, QtWebEngine) fork their renderers from
// counts its threads in /proc/self/task and ends itself if there are two.
bool is_chromium_zygote(const char* const* arguments) {
  for (; arguments != nullptr && *arguments != nullptr; ++arguments) {
    if (strcmp(*arguments, "--type=zygote") == 0) {
      return true;
    }
  }
  return false;
}

// The library is mapped already, and its rings and tables are some 30 MiB of addresses: where there are
// so few, what the agent gets is missing in the program.
bool is_short_of_addresses() {
  constexpr rlim64_t kLeast = 64U << 20U;
  rlimit64 limit{};
  return raw_syscall(SYS_prlimit64, 0, RLIMIT_AS, 0, syscall_argument(&limit)) == 0 &&
         limit.rlim_cur < kLeast;
}

}  // namespace

const char* reason_to_stand_down(const char* const* arguments,
                                 const char* const* environment) noexcept {
  if (getauxval(AT_SECURE) != 0 || variable_is(environment, "OTEL_SDK_DISABLED", "true") ||
      variable_is(environment, "OTPROF_ENABLED", "false") || !is_meant(environment)) {
    return "";
  }
  if (has_sanitizer()) {
    return "the program runs under a sanitizer; not profiling";
  }
  if (is_chromium_zygote(arguments)) {
    return "a Chromium zygote must have one thread only; it and its renderers are not profiled";
  }
  if (is_short_of_addresses()) {
    return "no memory to spare, RLIMIT_AS is below 64 MiB; not profiling";
  }
  return nullptr;
}

}  // namespace otprof::agent
