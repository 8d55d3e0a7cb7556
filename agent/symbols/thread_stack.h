// SPDX-License-Identifier: Apache-2.0
//
// How much stack the calling thread has left. The demangler is recursive, the thread it runs on was
// made by somebody else, and the host's thread-local variables are taken out of its stack: what is
// left is measured, not assumed. Background thread only (libc takes memory for the answer).
#pragma once

#include <cstddef>

namespace otprof::symbols {

// Bytes between the caller's frame and the end of its stack; 0 when libc does not tell.
std::size_t remaining_stack_bytes();

}  // namespace otprof::symbols
