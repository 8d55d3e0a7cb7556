// SPDX-License-Identifier: Apache-2.0
//
// Memory for the calls that come while the real allocator is not known yet: from within dlsym when
// it is being looked up, or from code that runs before this library is relocated. Blocks are never
// reused; there are a handful of them in the life of a process, if any.
//
// Any thread, at any time, relocated or not: uses no libc call, no thread-local variable and no
// global offset table. Zeroed memory.
#pragma once

#include <cstddef>

namespace otprof::interpose {

// `alignment` is a power of two. Null when the kernel gives no more memory.
void* bootstrap_allocate(std::size_t size, std::size_t alignment) noexcept;
bool is_bootstrap_block(const void* pointer) noexcept;
// Of a block of bootstrap_allocate().
std::size_t bootstrap_size(const void* pointer) noexcept;

}  // namespace otprof::interpose
