// SPDX-License-Identifier: Apache-2.0
//
// How much memory of the process is resident, and of what kind, as the kernel counts it anyway: reading
// it takes no lock of the program's. (/proc/self/smaps and mallinfo2() would say more, but the one holds
// the lock of the address space for 140 ms in a process of 3 GB, the other those of the allocator for
// 360 ms with a million free blocks, and the program would wait.) Background thread only.
#pragma once

#include <cstdint>

namespace otprof::agent {

struct ResidentMemory {        // bytes
  std::int64_t anonymous = 0;  // heap, stacks, what the program maps itself, and the agent's own
  std::int64_t file = 0;       // executables, libraries, mapped files
  std::int64_t shared = 0;     // tmpfs, shared anonymous and System V memory
};

// All 0 when /proc is not there.
ResidentMemory read_resident_memory();

}  // namespace otprof::agent
