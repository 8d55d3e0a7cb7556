// SPDX-License-Identifier: Apache-2.0
//
// The code that is stepped through: real library code and deliberate oddities, each under a name.
#pragma once

#include <span>

#include "agent/unwind/unwinder.h"

namespace otprof::test {

struct Scenario {
  const char* name;
  void (*run)();
  bool is_long = false;  // more than 100,000 instructions, nothing new among them
};

// In the order in which they run.
std::span<const Scenario> scenarios();

// Called by a scenario just before it starts a thread: where that thread's stack will be.
void announce_thread_stack(unwind::StackBounds bounds);

// Results go here, so that nothing is optimised away.
extern volatile unsigned long sink;

}  // namespace otprof::test
