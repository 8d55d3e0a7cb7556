// SPDX-License-Identifier: Apache-2.0
//
// Whether code of this process was compiled with -fsplit-stack: its stacks are small pieces, each as large as its
// function said it would need, and neither a signal handler nor an allocation hook was asked.
#pragma once

namespace otprof::interpose {

enum class SplitStacks {
  kNone,
  kUsed,
  kNotKnown,  // some module is not relocated, or its constructors are elsewhere
};

// Looks at what is loaded now: reads only what the loader has mapped. From the look-up of the next allocator on;
// on any thread.
SplitStacks find_split_stacks() noexcept;

}  // namespace otprof::interpose
