// SPDX-License-Identifier: Apache-2.0
//
// Which module holds an address, where the C library cannot say so without a lock: glibc before 2.35 has
// no _dl_find_object. A sorted copy of what is needed of the loader's list, which is searched without a
// lock. find_object() (module.h) decides whether it is used.
//
// How: a few tables in turn, never freed. A writer fills the one that was published longest ago, and then
// publishes it; a reader that finds that so many have been published since that its own may have been
// written to looks again. A handler that interrupts a writer on its own thread reads an older table.
//
// The copy is behind the loader by some time. A module that was closed is still in it, while its addresses are
// about to be unmapped, or are, or are another's. So unless a module was loaded with the program, and so
// stays, it is not found while the loader says that it is removing something, nor if the kernel says
// that it cannot be read. What a reader then still may meet is bytes that are no tables, as in any damaged
// module. A module that was opened is not in it yet; then the loader's own list is followed, with the
// same care, once for each page and table.
#pragma once

#include <cstdint>

#include "agent/unwind/module.h"

namespace otprof::unwind {

// Signal handler, malloc hook. Some ten nanoseconds; for a module that may be closed three system calls of
// 0.1 us more (rt_sigprocmask, which changes nothing), for one opened since four or so for each that was
// opened. False also while nothing has been published.
bool find_in_snapshot(std::uintptr_t address, Module& module) noexcept;

// Any thread, outside handlers and hooks of malloc: takes the loader's lock as dl_iterate_phdr does, and
// does all of its work under it, so that it needs no lock of its own. Publishes what is loaded now, if that
// has changed since the last time. Modules of namespaces made by dlmopen are not seen.
void renew_module_snapshot() noexcept;

}  // namespace otprof::unwind
