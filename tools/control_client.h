// SPDX-License-Identifier: Apache-2.0
//
// Finds the profiled processes of this network namespace that can be asked things
// (transport/control_address.h), and asks one. Main thread.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace otprof::tools {

struct Controllable {
  std::string address;  // in the abstract namespace, without the zero before it
  pid_t pid = 0;        // as this process sees it; 0: it does not
};

std::vector<Controllable> controllable_processes();

// Sends the line and returns what comes back. InputError when there is no answer within `seconds`.
std::string ask(const Controllable& process, std::string_view line, int seconds);

}  // namespace otprof::tools
