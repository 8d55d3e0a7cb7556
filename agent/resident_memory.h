// SPDX-License-Identifier: Apache-2.0
//
// How much memory of the process is resident, and what it is used for. Nothing here makes the program
// wait: the sums are those the kernel keeps anyway, and mincore() looks at 16 MiB at a time, for
// which it holds the lock of the address space for some 20 us. (/proc/self/smaps and smaps_rollup hold
// it for 25 ms per GB, mallinfo2() those of the allocator for 360 ms with a million free blocks.)
// Background thread only.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "agent/symbols/process_memory.h"

namespace otprof::agent {

struct ResidentMemory {        // bytes
  std::int64_t anonymous = 0;  // heap, stacks, what the program maps itself, and the agent's own
  std::int64_t file = 0;       // executables, libraries, mapped files
  std::int64_t shared = 0;     // tmpfs, shared anonymous and System V memory
};

// All 0 when /proc is not there.
ResidentMemory read_resident_memory();

struct AddressRange {
  std::uintptr_t start = 0;
  std::uintptr_t limit = 0;
  bool operator==(const AddressRange&) const = default;
};

// Where glibc's malloc has its heaps, and the main thread its stack. Large blocks, which have mappings of
// their own, are not in the heaps.
struct MemoryRegions {
  std::vector<AddressRange> heaps;
  AddressRange main_stack;
};

// Adds what a line of /proc/self/maps tells: the break, the main stack, and heaps of glibc's other
// arenas, which are known by their headers.
void add_regions(std::string_view line, const symbols::ProcessMemory& memory,
                 MemoryRegions& regions);
// Nothing without /proc. Some 2 ms for 5,000 mappings.
MemoryRegions read_memory_regions();

// Of anonymous memory; what is not mapped counts as nothing.
std::int64_t resident_bytes(AddressRange range);

}  // namespace otprof::agent
