// SPDX-License-Identifier: Apache-2.0
//
// What the stubs of a procedure linkage table jump to. They have no symbols of their own, yet a
// sample may fall on one, and "malloc@plt" tells what "no symbol" does not. Background thread only.
//
// A stub's own instructions say which GOT slot it jumps through, and the relocation of that slot
// says which symbol it is bound to: that holds for the layouts of all linkers (.plt, .plt.sec,
// .plt.got), where counting entries does not.
#pragma once

#include <cstdint>
#include <span>

#include "agent/symbols/elf_file.h"

namespace otprof::symbols {

bool is_plt_section(const ElfFile& file, const Elf64_Shdr& section);

struct PltQuery {
  std::uint64_t address = 0;  // in the file's own view, inside a PLT section
  std::uint64_t start = 0;    // of the stub; 0 when the address is not in one
  // What it jumps to: one of them set, or none.
  std::uint32_t symbol = 0;    // index in .dynsym
  std::uint64_t resolver = 0;  // address of the ifunc resolver that picks the target
};

// Any order of queries.
void find_plt_targets(const ElfFile& file, std::span<PltQuery> queries);

// The name of a .dynsym entry; nothing when the index or the name is out of range.
std::optional<std::string> dynamic_symbol_name(const ElfFile& file, std::uint32_t index);

}  // namespace otprof::symbols
