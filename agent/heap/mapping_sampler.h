// SPDX-License-Identifier: Apache-2.0
//
// Samples the memory that the program maps itself (OTPROF_HEAP_MMAP): the hooks behind mmap, munmap and
// mremap. What counts as memory:
// - anonymous mappings, private or shared, in whole pages. Files are not;
// - unless they are made with PROT_NONE: that reserves addresses. A MAP_FIXED over a part of them with
//   another protection is memory, and over memory with PROT_NONE its end (so the JVM commits and
//   gives back its heap). mprotect is not looked at;
// - not what the allocator maps that malloc's blocks come from, and nothing of the agent's own.
//
// The hooks promise to the program what heap_sampler.h promises.
#pragma once

namespace otprof::heap {

// Puts the hooks in place; after prepare_heap_sampler(), in a process with one thread. They sample while
// the heap sampler is on.
void prepare_mapping_sampler() noexcept;

// True when there are hooks.
bool samples_mappings() noexcept;

}  // namespace otprof::heap
