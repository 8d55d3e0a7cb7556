// SPDX-License-Identifier: Apache-2.0
//
// Which loaded module holds an address, and which of its bytes may be read.
//
// find_object() is the only place that asks the dynamic linker. It uses _dl_find_object (lock-free,
// async-signal-safe). Built against a glibc older than 2.35, which has none, it finds no module, and
// only frame pointers are followed; a snapshot of our own belongs behind this same function.
// Usable from a signal handler and a malloc hook.
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
