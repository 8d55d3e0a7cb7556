// SPDX-License-Identifier: Apache-2.0
#include "tools/progress.h"

#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "tools/frames.h"
#include "tools/function_totals.h"
#include "tools/text.h"
#include "tools/top_table.h"

namespace otprof::tools {
namespace {

// A program that reads single keys has drawn the screen itself.
bool is_full_screen() {
  termios settings{};
  return tcgetattr(STDERR_FILENO, &settings) == 0 && (settings.c_lflag & ICANON) == 0;
}

std::string hottest(const Recording& recording) {
  const MergedProfile* cpu = recording.find("cpu");
  if (cpu == nullptr) return {};
  FrameTable frames(recording.dictionary());
  const FunctionTotals totals = function_totals(*cpu, recording.shown_column(*cpu), frames);
  if (totals.functions.empty()) return {};
  const FunctionTotal& first = totals.functions.front();
  return fixed(percent(first.self, totals.sum), 0) + "% " +
         shortened(printable(frames[first.frame].name), 40);
}

}  // namespace

std::string progress_text(std::chrono::seconds elapsed, ProfileStore& store) {
  const ProfileStore::Counters counters = store.counters();
  std::string text = std::to_string(elapsed.count()) + " s  " + with_thousands(counters.samples) +
                     (counters.samples == 1 ? " sample" : " samples");
  store.with_recording([&](const Recording& recording) {
    const std::size_t processes = recording.processes().size();
    if (processes > 1) text += "  " + std::to_string(processes) + " processes";
    const std::string function = hottest(recording);
    if (!function.empty()) text += "  " + function;
  });
  return text;
}

Progress::Progress(bool wanted) : terminal_(wanted && isatty(STDERR_FILENO) == 1) {}

void Progress::show(ProfileStore& store) {
  // A background job may not write while the shell or another program has the terminal.
  if (!terminal_ || is_full_screen() || tcgetpgrp(STDERR_FILENO) != getpgrp()) return;
  const std::size_t width = terminal_width(STDERR_FILENO);
  std::string text =
      shortened(" otprof " + progress_text(std::chrono::duration_cast<std::chrono::seconds>(
                                               std::chrono::steady_clock::now() - begun_),
                                           store),
                width - 1);
  const std::size_t used = columns(text);
  const std::size_t all = std::max(used, shown_);
  // Save the cursor, go to the column, write in grey, restore the cursor.
  std::fprintf(stderr, "\0337\033[%zuG%s\033[90m%s\033[0m\0338", width - all + 1,
               std::string(all - used, ' ').c_str(), text.c_str());
  shown_ = used;
}

void Progress::clear() {
  if (shown_ == 0) return;
  std::fprintf(stderr, "\0337\033[%zuG\033[K\0338", terminal_width(STDERR_FILENO) - shown_ + 1);
  shown_ = 0;
}

}  // namespace otprof::tools
