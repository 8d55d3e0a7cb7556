// SPDX-License-Identifier: Apache-2.0
#include "interpose/stand_down.h"

#include <dlfcn.h>
#include <string.h>

#include "interpose/process_choice.h"
#include "interpose/split_stack.h"

namespace otprof::interpose {
namespace {

// Sanitizers own the allocator, the signals and the stacks of their process.
bool has_sanitizer() {
  return dlsym(RTLD_DEFAULT, "__asan_init") != nullptr ||
         dlsym(RTLD_DEFAULT, "__tsan_init") != nullptr ||
         dlsym(RTLD_DEFAULT, "__msan_init") != nullptr;
}

// It translates the program's code as it runs, counts its own time, and owns signals and the allocator. The
// libraries that it preloads itself are found here.
bool runs_under_valgrind(const char* const* environment) {
  return variable_has(environment, "LD_PRELOAD", "/vgpreload_");
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

}  // namespace

const char* reason_to_stand_down(const char* const* arguments,
                                 const char* const* environment) noexcept {
  if (is_left_alone(environment)) {
    return "";
  }
  if (has_sanitizer()) {
    return "the program runs under a sanitizer; not profiling";
  }
  if (runs_under_valgrind(environment)) {
    return "the program runs under valgrind; not profiling";
  }
  if (find_split_stacks() == SplitStacks::kUsed) {
    return "the program has split stacks (-fsplit-stack), with no room for a profiler; not "
           "profiling";
  }
  if (is_chromium_zygote(arguments)) {
    return "a Chromium zygote must have one thread only; it and its renderers are not profiled";
  }
  if (is_short_of_addresses()) {
    return "no memory to spare, RLIMIT_AS is below 64 MiB; not profiling";
  }
  return nullptr;
}

}  // namespace otprof::interpose
