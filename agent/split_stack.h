// SPDX-License-Identifier: Apache-2.0
//
// Whether code of this process was compiled with -fsplit-stack: its stacks are small pieces, each as large as its
// function said it would need, and neither a signal handler nor an allocation hook was asked.
#pragma once

namespace otprof::agent {

// Looks at what is loaded now: reads only what the loader has mapped. In the constructor, or on any thread.
bool has_split_stacks() noexcept;

}  // namespace otprof::agent
