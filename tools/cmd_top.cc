// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>
#include <cstdio>

#include "tools/commands.h"
#include "tools/function_totals.h"
#include "tools/input_error.h"
#include "tools/read_file.h"
#include "tools/recording.h"
#include "tools/sample_filter.h"
#include "tools/text.h"
#include "tools/top_table.h"

namespace otprof::tools {
namespace {

// ", 12.3 % of 4.56 s" for each value that the summary line shows of the part.
std::string share_line(const Recording& recording, const MergedProfile& part,
                       const MergedProfile& whole) {
  std::string line = "of all:";
  for (const std::size_t column : recording.column_order(whole)) {
    const std::int64_t all = sum_of(whole, column);
    if (all == 0) continue;
    const encoder::ValueType type = whole.types[column];
    line += line.ends_with(':') ? " " : ", ";
    line += fixed(percent(sum_of(part, column), all), 1) + " % of " +
            in_unit(all, recording.dictionary().string(type.unit)) + " " +
            printable(recording.dictionary().string(type.type));
  }
  return line;
}

int run(const Arguments& arguments) {
  if (arguments.operands.empty()) throw UsageError("no file given");
  TableOptions options;
  options.functions = static_cast<std::size_t>(arguments.number("--functions", 20, 1, 1'000'000));
  options.by_total = arguments.has("--total");
  options.type = arguments.value("--type").value_or("");
  options.width = terminal_width(STDOUT_FILENO);
  const SampleFilter filter = filter_of(arguments);
  Recording recording;
  read_files(arguments.operands, recording);
  bool shown = false;
  for (const MergedProfile& whole : recording.profiles()) {
    const MergedProfile part =
        filter.is_empty() ? MergedProfile{} : filtered(recording, whole, filter);
    const MergedProfile& profile = filter.is_empty() ? whole : part;
    if (profile.rows.size() == 0) continue;
    if (!options.type.empty() && recording.column_of(profile, options.type) < 0 &&
        recording.profiles().size() > 1) {
      continue;
    }
    if (shown) std::puts("");
    const std::string table = top_table(recording, profile, options);
    std::printf("%s: %s\n", printable(profile.kind).c_str(),
                summary_line(recording, profile).c_str());
    if (!filter.is_empty()) std::printf("%s\n", share_line(recording, profile, whole).c_str());
    std::printf("%s", table.c_str());
    shown = true;
  }
  if (!shown && !options.type.empty()) {
    throw InputError("no samples of type '" + printable(options.type) + "'");
  }
  if (!shown) std::puts(filter.is_empty() ? "no samples" : "no such samples");
  return 0;
}

}  // namespace

const Command kTopCommand{
    .name = "top",
    .operands = "FILE...",
    .summary = "Print the functions that take most, of pprof files and stored OTLP requests.",
    .details =
        "SELF counts what a function did itself, TOTAL also what it called. Several files are\n"
        "added up; of inuse_* values the latest of each process counts. --trace, --span and "
        "--label\n"
        "show what one request cost: its samples alone, and their share of everything.\n",
    .options =
        {
            {.name = "--functions",
             .value = "N",
             .help = "how many functions (20)",
             .letter = "-n"},
            {.name = "--total", .value = {}, .help = "sort by TOTAL instead of SELF"},
            {.name = "--type", .value = "TYPE", .help = "sample type, for example alloc_space"},
            filter_options()[0],
            filter_options()[1],
            filter_options()[2],
        },
    .ends_at_operand = false,
    .run = run,
};

}  // namespace otprof::tools
