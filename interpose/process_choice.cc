// SPDX-License-Identifier: Apache-2.0
#include "interpose/process_choice.h"

#include <fnmatch.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

extern "C" void* __libc_stack_end;  // NOLINT(bugprone-reserved-identifier): ld.so's name for it

namespace otprof::interpose {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  return first == std::string_view::npos
             ? std::string_view{}
             : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Empty if it is not there.
std::string_view value_of(const char* const* environment, std::string_view name) {
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    const std::string_view entry = *environment;
    if (entry.starts_with(name) && entry.substr(name.size()).starts_with('=')) {
      return trimmed(entry.substr(name.size() + 1));
    }
  }
  return {};
}

bool is_meant(const char* const* environment) {
  std::string_view globs = value_of(environment, "OTPROF_ONLY");
  if (globs.empty()) {
    return true;
  }
  std::array<char, 4096> path{};
  if (readlink("/proc/self/exe", path.data(), path.size() - 1) < 0) {
    path[0] = '\0';
  }
  const char* const slash = std::strrchr(path.data(), '/');
  const char* const name = slash == nullptr ? path.data() : slash + 1;
  while (!globs.empty()) {
    const std::size_t comma = std::min(globs.find(','), globs.size());
    const std::string_view item = trimmed(globs.substr(0, comma));
    globs.remove_prefix(std::min(comma + 1, globs.size()));
    std::array<char, 1024> glob{};
    if (item.size() < glob.size()) {
      std::copy(item.begin(), item.end(), glob.begin());
      if (fnmatch(glob.data(), name, 0) == 0) {
        return true;
      }
    }
  }
  return false;
}

// The count of arguments, these, a null, and the environment.
struct StartWords {
  const char* const* arguments = nullptr;
  const char* const* environment = nullptr;
};

StartWords start_words() {
  const auto* const words = static_cast<const char* const*>(__libc_stack_end);
  if (words == nullptr) {
    return {};
  }
  const auto count = reinterpret_cast<std::uintptr_t>(words[0]);
  constexpr std::uintptr_t kMostArguments = std::uintptr_t{1} << 24U;
  if (count >= kMostArguments || words[1 + count] != nullptr) {
    return {};
  }
  return {words + 1, words + count + 2};
}

}  // namespace

const char* const* start_environment() noexcept { return start_words().environment; }

const char* const* start_arguments() noexcept { return start_words().arguments; }

bool variable_is(const char* const* environment, std::string_view name,
                 std::string_view word) noexcept {
  const std::string_view value = value_of(environment, name);
  return std::equal(value.begin(), value.end(), word.begin(), word.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

bool variable_has(const char* const* environment, std::string_view name,
                  std::string_view part) noexcept {
  return value_of(environment, name).find(part) != std::string_view::npos;
}

bool is_left_alone(const char* const* environment) noexcept {
  return getauxval(AT_SECURE) != 0 || variable_is(environment, "OTEL_SDK_DISABLED", "true") ||
         variable_is(environment, "OTPROF_ENABLED", "false") || !is_meant(environment);
}

bool is_short_of_addresses() noexcept {
  constexpr rlim64_t kLeast = 64U << 20U;
  rlimit64 limit{};
  return getrlimit64(RLIMIT_AS, &limit) == 0 && limit.rlim_cur < kLeast;
}

}  // namespace otprof::interpose
