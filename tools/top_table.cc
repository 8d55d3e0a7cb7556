// SPDX-License-Identifier: Apache-2.0
#include "tools/top_table.h"

#include <sys/ioctl.h>
#include <algorithm>

#include "tools/frames.h"
#include "tools/function_totals.h"
#include "tools/input_error.h"
#include "tools/text.h"

namespace otprof::tools {
namespace {

std::string right(const std::string& text, std::size_t width) {
  const std::size_t used = columns(text);
  return used < width ? std::string(width - used, ' ') + text : text;
}

std::string left(std::string text, std::size_t width) {
  const std::size_t used = columns(text);
  if (used < width) text.append(width - used, ' ');
  return text;
}

std::size_t chosen_column(const Recording& recording, const MergedProfile& profile,
                          const std::string& type) {
  if (type.empty()) return recording.shown_column(profile);
  const int column = recording.column_of(profile, type);
  if (column >= 0) return static_cast<std::size_t>(column);
  std::string known;
  for (const encoder::ValueType value : profile.types) {
    if (!known.empty()) known += ", ";
    known += printable(recording.dictionary().string(value.type));
  }
  throw InputError("no sample type '" + printable(type) + "' in the " + printable(profile.kind) +
                   " profile; it has " + known);
}

}  // namespace

std::int64_t sum_of(const MergedProfile& profile, std::size_t column) {
  std::int64_t sum = 0;
  for (std::size_t row = 0; row < profile.rows.size(); ++row) {
    sum = saturating_add(sum, profile.rows.value(row, column));
  }
  return sum;
}

std::size_t terminal_width(int fd) {
  winsize size{};
  const bool known = ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return std::max<std::size_t>(known ? size.ws_col : 100, 60);
}

std::string summary_line(const Recording& recording, const MergedProfile& profile) {
  struct Part {
    const char* type;
    const char* unit;
    const char* after;
  };
  std::string line;
  const auto append = [&](const std::string& part) {
    if (!line.empty()) line += ", ";
    line += part;
  };
  for (const Part& part :
       {Part{"samples", "count", " samples"}, Part{"cpu", "nanoseconds", " of CPU time"},
        Part{"inuse_space", "bytes", " in use"}, Part{"alloc_space", "bytes", " allocated"}}) {
    const int column = recording.column_of(profile, part.type);
    if (column < 0) continue;
    append(in_unit(sum_of(profile, static_cast<std::size_t>(column)), part.unit) + part.after);
  }
  if (line.empty()) {
    const std::size_t column = recording.shown_column(profile);
    const encoder::ValueType type = profile.types[column];
    append(in_unit(sum_of(profile, column), recording.dictionary().string(type.unit)) + " " +
           printable(recording.dictionary().string(type.type)));
  }
  if (profile.end_unix_nano > profile.start_unix_nano) {
    line += " in " +
            in_seconds(static_cast<std::int64_t>(profile.end_unix_nano - profile.start_unix_nano));
  }
  if (recording.processes().size() > 1) {
    line += ", " + std::to_string(recording.processes().size()) + " processes";
  }
  std::string engines;
  for (const std::string& engine : profile.engines) {
    engines += (engines.empty() ? "engine " : ", ") + printable(engine);
  }
  if (!engines.empty()) line += " (" + engines + ")";
  if (profile.samples_lost > 0) line += ", " + with_thousands(profile.samples_lost) + " lost";
  return line;
}

std::string top_table(const Recording& recording, const MergedProfile& profile,
                      const TableOptions& options) {
  const std::size_t column = chosen_column(recording, profile, options.type);
  const std::string_view unit = recording.dictionary().string(profile.types[column].unit);
  FrameTable frames(recording.dictionary());
  FunctionTotals totals = function_totals(profile, column, frames);
  if (options.by_total) {
    std::ranges::stable_sort(totals.functions, std::greater(), &FunctionTotal::total);
  }
  constexpr std::size_t kValue = 10;
  constexpr std::size_t kPercent = 7;
  constexpr std::size_t kModule = 22;
  constexpr std::size_t kFixed = 2 * (kValue + kPercent) + 2 + 2 + kModule;
  const std::size_t name_width = options.width > kFixed + 24 ? options.width - kFixed : 24;
  std::string table = right("SELF", kValue) + right("%", kPercent) + right("TOTAL", kValue) +
                      right("%", kPercent) + "  " + left("FUNCTION", name_width) + "  MODULE\n";
  const std::size_t count = std::min(options.functions, totals.functions.size());
  for (std::size_t i = 0; i < count; ++i) {
    const FunctionTotal& function = totals.functions[i];
    const Frame& frame = frames[function.frame];
    table += right(in_unit(function.self, unit), kValue) +
             right(fixed(percent(function.self, totals.sum), 1), kPercent) +
             right(in_unit(function.total, unit), kValue) +
             right(fixed(percent(function.total, totals.sum), 1), kPercent) + "  " +
             left(shortened(printable(frame.name), name_width), name_width) + "  " +
             shortened(printable(frame.module), kModule) + "\n";
  }
  return table;
}

}  // namespace otprof::tools
