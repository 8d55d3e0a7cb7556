// SPDX-License-Identifier: Apache-2.0
//
// What the agent itself takes of the machine. Background thread only.
#pragma once

#include <cstdint>

namespace otprof::agent {

// Bytes of the pages that hold allocations of the agent's own allocator; what is mapped for good (rings,
// tables) is not in it.
std::uint64_t own_memory_bytes();
// CPU time of the calling thread since it began, ns.
std::uint64_t own_cpu_ns();
// CPU time of the process since it began, ns.
std::uint64_t process_cpu_ns();

}  // namespace otprof::agent
