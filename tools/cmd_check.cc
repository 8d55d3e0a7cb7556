// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <exception>

#include "tools/commands.h"
#include "tools/run_environment.h"
#include "tools/system_probe.h"
#include "tools/text.h"

namespace otprof::tools {
namespace {

void print(const Finding& finding) {
  std::printf("%s %-20s %s\n", finding.good ? "ok  " : "no  ", printable(finding.what).c_str(),
              printable(finding.details).c_str());
}

Finding probe_library() {
  try {
    return {true, "libotprof.so", find_library()};
  } catch (const std::exception& error) {
    return {false, "libotprof.so", error.what()};
  }
}

// Fails when nothing could be profiled: no library, no engine, or a program that cannot be.
int run(const Arguments& arguments) {
  const Finding library = probe_library();
  bool usable = library.good;
  bool engine = false;
  print(library);
  for (const Finding& finding : probe_system()) {
    print(finding);
    engine = engine || (finding.good && finding.what.starts_with("engine "));
  }
  for (const std::string& program : arguments.operands) {
    const Finding finding = probe_program(program);
    print(finding);
    usable = usable && finding.good;
  }
  return usable && engine ? 0 : 1;
}

}  // namespace

const Command kCheckCommand{
    .name = "check",
    .operands = "[PROGRAM...]",
    .summary = "Tell what works on this system, and for these programs, and why not.",
    .details = "The exit status is 0 if profiling works, with whichever engine.\n",
    .options = {},
    .ends_at_operand = false,
    .run = run,
};

}  // namespace otprof::tools
