// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>
#include <cstdio>

#include "tools/commands.h"
#include "tools/input_error.h"
#include "tools/read_file.h"
#include "tools/recording.h"
#include "tools/share_changes.h"
#include "tools/text.h"
#include "tools/top_table.h"

namespace otprof::tools {
namespace {

std::string signed_text(double value) { return (value < 0 ? "" : "+") + fixed(value, 1); }

void print(const std::vector<ShareChange>& changes, std::size_t count) {
  const std::size_t width = terminal_width(STDOUT_FILENO);
  const std::size_t name_width = width > 74 ? width - 50 : 24;
  std::printf("  BEFORE    AFTER   CHANGE  FUNCTION\n");
  for (const ShareChange& change : changes) {
    if (count-- == 0) break;
    if (change.before == 0 && change.after == 0) break;
    std::printf("%7s%% %7s%% %7s%%  %s", fixed(change.before, 1).c_str(),
                fixed(change.after, 1).c_str(), signed_text(change.change()).c_str(),
                shortened(printable(change.function), name_width).c_str());
    if (!change.module.empty()) {
      std::printf("  [%s]", shortened(printable(change.module), 20).c_str());
    }
    std::printf("\n");
  }
}

int run(const Arguments& arguments) {
  if (arguments.operands.size() != 2) throw UsageError("two files are compared: BEFORE AFTER");
  const auto count = static_cast<std::size_t>(arguments.number("--functions", 20, 1, 1'000'000));
  const std::string wanted = arguments.value("--type").value_or("");
  Recording before;
  Recording after;
  read_files({arguments.operands[0]}, before);
  read_files({arguments.operands[1]}, after);
  bool shown = false;
  for (const MergedProfile& profile : after.profiles()) {
    const MergedProfile* const old = before.find(profile.kind);
    if (old == nullptr || profile.rows.size() == 0 || old->rows.size() == 0) continue;
    std::string type = wanted;
    if (type.empty()) {
      type = after.dictionary().string(profile.types[after.shown_column(profile)].type);
    }
    if (before.column_of(*old, type) < 0 || after.column_of(profile, type) < 0) continue;
    if (shown) std::puts("");
    std::printf("%s, %s; before: %s; after: %s\n", printable(profile.kind).c_str(),
                printable(type).c_str(), summary_line(before, *old).c_str(),
                summary_line(after, profile).c_str());
    print(share_changes(before, *old, after, profile, type, arguments.has("--total")), count);
    shown = true;
  }
  if (!shown) throw InputError("the two files have no sample type in common");
  return 0;
}

}  // namespace

const Command kDiffCommand{
    .name = "diff",
    .operands = "BEFORE AFTER",
    .summary = "Compare two profiles: whose share of the whole has changed, and by how much.",
    .details = {},
    .options =
        {
            {.name = "--functions",
             .value = "N",
             .help = "how many functions (20)",
             .letter = "-n"},
            {.name = "--total", .value = {}, .help = "with what each function called"},
            {.name = "--type", .value = "TYPE", .help = "sample type, for example alloc_space"},
        },
    .ends_at_operand = false,
    .run = run,
};

}  // namespace otprof::tools
