// SPDX-License-Identifier: Apache-2.0
//
// The environment in which `otprof run` starts a command: ours, with the library preloaded and the
// profiles sent to our receiver. Pure but for find_library().
#pragma once

#include <string>
#include <vector>

namespace otprof::tools {

struct RunSettings {
  std::string library;  // path of libotprof.so
  std::string url;      // of the receiver, without a path
  std::string hz;       // empty: the library's default
  bool heap = true;
};

// NAME=VALUE entries. Only the profiles' own OTLP variables are changed: the general ones may belong
// to the command's traces and metrics. What the user has set of OTPROF_* stays.
std::vector<std::string> run_environment(const std::vector<std::string>& ours,
                                         const RunSettings& settings);

// OTPROF_LIBRARY, or libotprof.so beside this program, or in ../lib. InputError if there is none.
std::string find_library();

// "NAME=VALUE" entries of this process.
std::vector<std::string> own_environment();

}  // namespace otprof::tools
