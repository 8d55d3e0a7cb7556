// SPDX-License-Identifier: Apache-2.0
//
// The allocator that comes along: a jemalloc (tools/dev.d/deps/jemalloc-host.sh) that serves the program
// when OTPROF_ALLOCATOR asks for it. Takes the place of the C library's, and of no other; to the program it
// behaves as that one: results, errno, alignment, what is done with size 0 and with impossible sizes.
// Arguments that are odd (an alignment that is no power of two) are the C library's to answer, and blocks
// that come from it, by whatever way, go back to it.
//
// For next_allocator.cc, allocator_reports.cc and malloc.cc.
#pragma once

#include "interpose/next_allocator.h"

namespace otprof::interpose {

// Puts the bundled allocator into `table`, which holds the next one, if that is asked for and possible. Once,
// by the look-up, before the first block is given out.
void choose_allocator(NextAllocator& table) noexcept;

// Before the look-up: the program's malloc is not this library's, so that nothing is served from it.
void leave_bundled_out() noexcept;

// Gives free pages back to the kernel now. False when nothing was done.
bool purge_bundled() noexcept;

}  // namespace otprof::interpose
