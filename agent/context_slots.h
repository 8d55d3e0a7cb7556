// SPDX-License-Identifier: Apache-2.0
//
// Finds the thread-local pointers in which the modules of this process publish contexts. Usually
// all are one, the agent's or the executable's. A library that was linked so that its own copy
// cannot be replaced (-Bsymbolic, protected visibility) writes to that; and an executable that
// includes otprof.h without exporting the pointer announces it.
//
// Promises: nothing is read from a module but with its memory guarded against going away; found
// slots lie in static thread-local storage, so that a handler can read them on every thread. A copy
// in dynamic storage (a library opened late and linked like that) is not read, and that is said.
#pragma once

#include <cstdint>

#include "agent/symbols/loaded_objects.h"

namespace otprof::agent {

// The executable's own slot for the calling thread. Any thread, handlers excepted: takes the
// loader's lock. False: it does not lie in the executable's thread-local storage.
bool announce_slot(void** slot) noexcept;

class ContextSlots {
 public:
  // Looks again if modules came or went since the last time. Background thread only.
  void refresh();

 private:
  symbols::LoaderGeneration seen_{};
  bool has_looked_ = false;
  bool has_warned_ = false;
};

}  // namespace otprof::agent
