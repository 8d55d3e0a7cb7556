// SPDX-License-Identifier: Apache-2.0
//
// The walk by libunwind (OTPROF_UNWINDER=libunwind): a second opinion on a suspicious stack, and the
// oracle of the tests. Not the default, because it promises less than walk_cfi():
// - It may be called from a signal handler and a malloc hook, but takes about a hundred times as long
//   (it masks and unmasks all signals for every lookup), needs 4 KiB of stack, and takes locks of its
//   own, which it protects by that masking.
// - It reads outside `bounds` when unwind tables are wrong, after asking the kernel whether the address
//   can be read.
// It never waits for the dynamic linker's lock (object_phdrs.h), and no sample comes in between while it
// holds its own (libunwind_bindings.cc).
#pragma once

#include "agent/unwind/unwinder.h"

namespace otprof::unwind {

// Same contract as walk_cfi().
Walk walk_libunwind(const Registers& start, StackBounds bounds, std::uint64_t* frames,
                    std::uint32_t capacity) noexcept;

// Makes libunwind do its one-time set-up. Call once, on an ordinary thread, before the first walk.
void prepare_libunwind() noexcept;

}  // namespace otprof::unwind
