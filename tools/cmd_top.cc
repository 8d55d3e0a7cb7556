// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>
#include <cstdio>

#include "tools/commands.h"
#include "tools/input_error.h"
#include "tools/read_file.h"
#include "tools/recording.h"
#include "tools/text.h"
#include "tools/top_table.h"

namespace otprof::tools {
namespace {

int run(const Arguments& arguments) {
  if (arguments.operands.empty()) throw UsageError("no file given");
  TableOptions options;
  options.functions = static_cast<std::size_t>(arguments.number("--functions", 20, 1, 1'000'000));
  options.by_total = arguments.has("--total");
  options.type = arguments.value("--type").value_or("");
  options.width = terminal_width(STDOUT_FILENO);
  Recording recording;
  read_files(arguments.operands, recording);
  bool shown = false;
  for (const MergedProfile& profile : recording.profiles()) {
    if (profile.rows.size() == 0) continue;
    if (!options.type.empty() && recording.column_of(profile, options.type) < 0 &&
        recording.profiles().size() > 1) {
      continue;
    }
    if (shown) std::puts("");
    const std::string table = top_table(recording, profile, options);
    std::printf("%s: %s\n%s", printable(profile.kind).c_str(),
                summary_line(recording, profile).c_str(), table.c_str());
    shown = true;
  }
  if (!shown && !options.type.empty()) {
    throw InputError("no samples of type '" + printable(options.type) + "'");
  }
  if (!shown) std::puts("no samples");
  return 0;
}

}  // namespace

const Command kTopCommand{
    .name = "top",
    .operands = "FILE...",
    .summary = "Print the functions that take most, of pprof files and stored OTLP requests.",
    .details =
        "SELF counts what a function did itself, TOTAL also what it called. Several files are\n"
        "added up; of inuse_* values the latest of each process counts.\n",
    .options =
        {
            {.name = "--functions",
             .value = "N",
             .help = "how many functions (20)",
             .letter = "-n"},
            {.name = "--total", .value = {}, .help = "sort by TOTAL instead of SELF"},
            {.name = "--type", .value = "TYPE", .help = "sample type, for example alloc_space"},
        },
    .ends_at_operand = false,
    .run = run,
};

}  // namespace otprof::tools
