// SPDX-License-Identifier: Apache-2.0
//
// Which loaded module holds an address, and which of its bytes may be read.
//
// find_object() is the only place that asks. It asks _dl_find_object (lock-free, async-signal-safe) if the C
// library of the process has it; glibc before 2.35 has not, and then a copy of the loader's list is
// searched (module_snapshot.h), which whoever sees that modules have come or gone keeps up to date.
// Usable from a signal handler and a malloc hook, unless it says otherwise.
#pragma once

#include <elf.h>

#include <cstdint>

#include "agent/unwind/byte_reader.h"

namespace otprof::unwind {

struct Module {
  std::uintptr_t map_start = 0;     // of the whole module, or of one segment of the main program
  std::uintptr_t map_end = 0;       // exclusive; there may be unreadable gaps in between
  std::uintptr_t eh_frame_hdr = 0;  // 0: the module has none
};

// Not on a signal handler or a malloc hook: to be called before the first walk, and when modules may have
// been loaded or unloaded. Does nothing where the C library knows by itself.
void know_loaded_modules() noexcept;

// Whether the C library knows by itself.
bool has_find_object() noexcept;

// False: no module holds this address.
bool find_object(std::uintptr_t address, Module& module) noexcept;

// The program headers of a mapped module: the main program's from the auxiliary vector, another's from
// the ELF header at map_start. `count` is 0 if they do not lie in its first page, the only one that is
// known to be readable.
struct ProgramHeaders {
  const Elf64_Phdr* first = nullptr;
  unsigned count = 0;
  std::uintptr_t load_bias = 0;
  std::uintptr_t entry = 0;  // run-time address of the ELF entry point; 0: none
};
ProgramHeaders program_headers(const Module& module) noexcept;

// The whole readable loaded segment that holds `address`; empty if there is none. A module whose
// program headers are unknown counts as one segment from map_start to map_end.
Bytes readable_segment(const Module& module, std::uintptr_t address) noexcept;

// The same for a segment that is executable too.
Bytes code_segment(const Module& module, std::uintptr_t address) noexcept;

}  // namespace otprof::unwind
