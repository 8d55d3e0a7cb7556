// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>
#include <algorithm>
#include <cstdio>
#include <map>

#include "tools/commands.h"
#include "tools/input_error.h"
#include "tools/leak_sites.h"
#include "tools/read_file.h"
#include "tools/recording.h"
#include "tools/text.h"
#include "tools/top_table.h"

namespace otprof::tools {
namespace {

using Frames = std::vector<std::string>;

struct Window {
  std::uint64_t time = 0;
  std::vector<LeakSite> sites;
};

// What each site had in use in the earliest of the files.
std::map<Frames, std::int64_t> earliest(const std::vector<Window>& windows) {
  std::map<Frames, std::int64_t> in_use;
  const auto first = std::ranges::min_element(windows, {}, &Window::time);
  for (const LeakSite& site : first->sites) in_use[site.frames] = site.in_use_bytes;
  return in_use;
}

int run(const Arguments& arguments) {
  if (arguments.operands.empty()) throw UsageError("no file given");
  const auto count = static_cast<std::size_t>(arguments.number("--sites", 10, 1, 1'000'000));
  Recording recording;
  std::vector<Window> windows;
  for (const std::string& path : arguments.operands) {
    read_files({path}, recording);
    Recording alone;
    read_files({path}, alone);
    if (const MergedProfile* heap = alone.find("heap")) {
      windows.push_back({.time = heap->start_unix_nano, .sites = leak_sites(alone, *heap)});
    }
  }
  const MergedProfile* const heap = recording.find("heap");
  if (heap == nullptr || recording.column_of(*heap, "inuse_space") < 0) {
    throw InputError("no heap profile with memory in use (OTPROF_HEAP and OTPROF_HEAP_LIVE)");
  }
  const std::vector<LeakSite> sites = leak_sites(recording, *heap);
  const std::map<Frames, std::int64_t> before = earliest(windows);
  const std::size_t width = terminal_width(STDOUT_FILENO);
  std::printf("%s\n", summary_line(recording, *heap).c_str());
  for (std::size_t i = 0; i < std::min(count, sites.size()); ++i) {
    const LeakSite& site = sites[i];
    std::printf("\n%s in use", in_bytes(site.in_use_bytes).c_str());
    if (site.in_use_objects > 0) {
      std::printf(" in %s blocks", with_thousands(site.in_use_objects).c_str());
    }
    if (site.allocated_bytes > 0) {
      std::printf(", %s allocated", in_bytes(site.allocated_bytes).c_str());
    }
    if (windows.size() > 1) {
      const auto known = before.find(site.frames);
      const std::int64_t grown = site.in_use_bytes - (known == before.end() ? 0 : known->second);
      std::printf(", %s%s since the first file", grown < 0 ? "" : "+", in_bytes(grown).c_str());
    }
    std::printf("\n");
    if (site.rank != 0) {
      std::printf("    suspect %lld: %s of it came and stayed in the last windows\n",
                  static_cast<long long>(site.rank), in_bytes(site.growth).c_str());
    }
    if (!site.by_age.empty()) {
      std::printf("    by age:");
      for (const auto& [age, bytes] : site.by_age) {
        std::printf(" %s %s", age.c_str(), in_bytes(bytes).c_str());
      }
      std::printf("\n");
    }
    constexpr std::size_t kFramesShown = 8;
    for (std::size_t f = 0; f < std::min(kFramesShown, site.frames.size()); ++f) {
      std::printf("    %s\n", shortened(printable(site.frames[f]), width - 4).c_str());
    }
    if (site.frames.size() > kFramesShown) {
      std::printf("    ... and %zu more\n", site.frames.size() - kFramesShown);
    }
  }
  return 0;
}

}  // namespace

const Command kLeaksCommand{
    .name = "leaks",
    .operands = "FILE...",
    .summary = "Rank the places that allocated what was never freed, of heap profiles.",
    .details =
        "Suspects come first: places that libotprof saw grow from window to window by more than\n"
        "chance explains (in the last window given); then the others by size. With the files of\n"
        "several windows, each place also shows how much it has grown since the first.\n",
    .options = {{.name = "--sites", .value = "N", .help = "how many places (10)", .letter = "-n"}},
    .ends_at_operand = false,
    .run = run,
};

}  // namespace otprof::tools
