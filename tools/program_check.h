// SPDX-License-Identifier: Apache-2.0
//
// Whether a program can be profiled by a preloaded library at all. Reads files only. Any thread.
#pragma once

#include <string>

namespace otprof::tools {

struct ProgramFacts {
  std::string path;      // as the kernel would find it; empty: not found
  std::string obstacle;  // why nothing can be preloaded into it, one clause; empty: nothing known
};

// `name` as it stands on a command line: looked up in PATH unless it has a slash. A script is judged
// by its interpreter.
ProgramFacts check_program(const std::string& name);

}  // namespace otprof::tools
