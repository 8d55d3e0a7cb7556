// SPDX-License-Identifier: Apache-2.0
//
// What accuracy_program spends its time on: each of these is hard for a profiler in its own way.
// Visible functions with C linkage, so that their names are in .dynsym and nothing is merged. Each
// works until the clock of its thread reaches `end`.
#pragma once

#include <cstdint>

#include "test/truth/cpu/ledger.h"

extern "C" {

// Plain loops, no two alike to the linker.
void part_seventy(std::uint64_t end);
void part_thirty(std::uint64_t end);
void part_plain(std::uint64_t end);
void part_thread(std::uint64_t end);

// A leaf loop that the compiler puts into both of these, and into nothing else.
void part_inlines_it(std::uint64_t end);
void part_inlines_it_too(std::uint64_t end);

// Little but function entries and exits that save and restore every register.
void part_prologues(std::uint64_t end);
// Little but calls through the procedure linkage table, the first of each through the loader.
void part_plt(std::uint64_t end);
// Little but the vdso.
void part_vdso(std::uint64_t end);
// Nearly all of it in the kernel.
void part_system_calls(std::uint64_t end);
// Exceptions through frames that have something to destroy.
void part_throws(std::uint64_t end);
// Below as many frames as the name says.
void part_200_deep(std::uint64_t end);
// Frames whose size is known at run time only, and frames that realign the stack.
void part_odd_frames(std::uint64_t end);
// On a stack that is not the thread's: by makecontext, by a few instructions, as a signal handler.
void part_context(std::uint64_t end);
void part_own_switch(std::uint64_t end);
void part_alternate_stack(std::uint64_t end);
// Instructions written at run time, of which no table tells; called and calling back.
void part_generated(std::uint64_t end);
// Compiled without unwind tables, with frame pointers.
void part_without_tables(std::uint64_t end);
}
