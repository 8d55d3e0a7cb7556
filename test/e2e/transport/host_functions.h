// SPDX-License-Identifier: Apache-2.0
//
// Stands in front of the C library where the program that is profiled may do so too, and notes what
// the sender asks it for: nothing that changes the program, and of its environment only what is
// known. One thread.
#pragma once

#include <string>

struct HostCalls {
  bool watching = false;          // nothing is noted while it is false
  std::string environment_reads;  // names given to getenv and secure_getenv, space-separated
  unsigned signal_changes = 0;    // sigaction and signal
  unsigned exit_handlers = 0;     // atexit and its relatives
};

extern HostCalls host_calls;
