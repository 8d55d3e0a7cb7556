// SPDX-License-Identifier: Apache-2.0
//
// The table of the functions that take most, as `otprof top` and the end of `otprof run` print it.
#pragma once

#include <cstddef>
#include <string>

#include "tools/recording.h"

namespace otprof::tools {

struct TableOptions {
  std::size_t functions = 10;
  std::size_t width = 100;  // columns of the terminal
  bool by_total = false;    // else by self
  std::string type;         // sample type; empty: the one that says most
};

// One line about the profile and one per function. InputError if there is no such sample type.
std::string top_table(const Recording& recording, const MergedProfile& profile,
                      const TableOptions& options);

// "1,204 samples, 12.04 s of CPU time in 10.2 s (engine sigtrap), 3 lost";
// "512 KiB in use, 1.2 GiB allocated"
std::string summary_line(const Recording& recording, const MergedProfile& profile);

// The sum of a column over all samples.
std::int64_t sum_of(const MergedProfile& profile, std::size_t column);

// Columns of the terminal on `fd`, or 100 if it is none.
std::size_t terminal_width(int fd);

}  // namespace otprof::tools
