// SPDX-License-Identifier: Apache-2.0
#include "agent/start_options.h"

#include <sys/random.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/log.h"
#include "interpose/allocation_hooks.h"

namespace otprof::agent {
namespace {

// The background thread does not share the program's working directory.
void make_absolute(std::string& path) {
  char directory[4096];
  if (!path.empty() && path[0] != '/' && getcwd(directory, sizeof directory) != nullptr) {
    path = path == "." ? std::string(directory) : std::string(directory) + "/" + path;
  }
}

}  // namespace

Options options_at_start(const char* const* environment) {
  std::string warnings;
  Options options = read_options(
      environment,
      [](void* context, std::string_view message) {
        static_cast<std::string*>(context)->append(message).append("\n");
      },
      &warnings);
  for (std::string* path : {&options.pprof_dir, &options.spool_dir, &options.log_file}) {
    make_absolute(*path);
  }
  open_log(options.level(), options.log_file);
  for (std::size_t at = 0; at < warnings.size();) {
    const std::size_t end = warnings.find('\n', at);
    log_warning(std::string_view(warnings).substr(at, end - at));
    at = end + 1;
  }
  return options;
}

bool is_chosen(const SamplingWish& wish) {
  std::uint32_t random = 0;
  const bool is_drawn = wish.mode == SamplingMode::kRatio &&
                        getrandom(&random, sizeof random, GRND_NONBLOCK) == sizeof random;
  return !is_drawn || random < wish.ratio * 0x1p32;
}

void tell_of_allocator(const Options& options) {
  if (static_cast<AllocatorChoice>(options.allocator) == AllocatorChoice::kSystem) {
    return;
  }
  const bool is_made = interpose::owns_malloc() && interpose::allocator_code() != nullptr;
  switch (is_made ? interpose::bundled_allocator() : interpose::Bundled::kOtherAllocator) {
    case interpose::Bundled::kNotAsked: break;
    case interpose::Bundled::kServes:
      log_info("malloc is served from the jemalloc that comes along");
      break;
    case interpose::Bundled::kOtherAllocator:
      log_warning(
          "OTPROF_ALLOCATOR=jemalloc is not followed: the program brings an allocator of its own");
      break;
    case interpose::Bundled::kNoMemory:
      log_warning("OTPROF_ALLOCATOR=jemalloc is not followed: there is no memory for it");
      break;
    case interpose::Bundled::kTooEarly:
      log_warning(
          "OTPROF_ALLOCATOR=jemalloc is not followed: something allocates while the program is "
          "still being loaded");
      break;
  }
}

}  // namespace otprof::agent
