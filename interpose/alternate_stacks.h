// SPDX-License-Identifier: Apache-2.0
//
// A program may unmap its alternate signal stack while the kernel still has it for one: it knows that no signal
// comes any more. Ours do, and would be the end; so the kernel is told.
//
// For files of interpose/ only; any thread, before the loader has relocated this library, too.
#pragma once

#include <atomic>
#include <cstddef>

namespace otprof::interpose {

[[gnu::visibility("hidden")]] extern constinit std::atomic<bool> has_alternate_stacks;

// The calling thread has no alternate stack any more if it is in there. One or two system calls. errno is kept.
void leave_alternate_stack(const void* begin, std::size_t length) noexcept;

}  // namespace otprof::interpose
