// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "tools/commands.h"
#include "tools/flame_html.h"
#include "tools/frames.h"
#include "tools/output_file.h"
#include "tools/read_file.h"
#include "tools/recording.h"

namespace otprof::tools {
namespace {

int run(const Arguments& arguments) {
  if (arguments.operands.empty()) throw UsageError("no file given");
  const std::string path = arguments.value("--output").value_or("flame.html");
  Recording recording;
  read_files(arguments.operands, recording);
  std::string title(base_name(arguments.operands.front()));
  if (arguments.operands.size() > 1) {
    title += " and " + std::to_string(arguments.operands.size() - 1) + " more";
  }
  write_file(path, flame_html(recording, title));
  std::printf("%s\n", path.c_str());
  return 0;
}

}  // namespace

const Command kViewCommand{
    .name = "view",
    .operands = "FILE...",
    .summary = "Draw pprof files and stored OTLP requests as one flame graph, an HTML page.",
    .details =
        "The page holds everything it needs: it can be opened from disk, mailed and archived.\n",
    .options =
        {
            {.name = "--output",
             .value = "FILE",
             .help = "where to write the page (flame.html)",
             .letter = "-o"},
        },
    .ends_at_operand = false,
    .run = run,
};

}  // namespace otprof::tools
