// SPDX-License-Identifier: Apache-2.0
//
// Runs this process's main thread, and the threads that it starts, one instruction at a time.
//
// The observer is a process of its own that shares the address space: so it may trace the main
// thread, and can yet read its stack and call the unwinders as if it were in its place. It is a
// clone (vfork-like) of a helper thread, whose thread-local memory it borrows. As the main thread may
// be stopped anywhere, the observer takes no lock that code of the main thread could hold: it
// allocates nothing and prints nothing.
#pragma once

#include <cstddef>
#include <cstdint>

#include "agent/unwind/unwinder.h"
#include "test/truth/unwind/tally.h"

namespace otprof::test {

enum class Stepping { kDone, kNotPermitted, kFailed };

// Runs `body` on the calling thread, which must be the main one. `scenario` is read at each
// instruction to know what to count it under; libunwind is asked at every `every`th.
Stepping step_through(void (*body)(), const volatile std::size_t& scenario, std::uint64_t every,
                      Tally& tally);

// The bounds of the current thread's stack.
unwind::StackBounds current_stack_bounds();

}  // namespace otprof::test
