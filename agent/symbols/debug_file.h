// SPDX-License-Identifier: Apache-2.0
//
// The separate debug file of a module: the full symbol table, and the DWARF, that were stripped from
// the module itself. Found by build id, which also proves that it belongs. A module without one has
// none, but for lines: there the checksum in its .gnu_debuglink is compared.
// Not read: .gnu_debugdata (an xz archive inside the module, which would bring a decompressor for
// what is a subset of these symbols). Background thread only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/symbols/byte_source.h"
#include "agent/symbols/debug_sections.h"
#include "agent/symbols/elf_file.h"
#include "agent/symbols/module_map.h"

namespace otprof::symbols {

// Where it may lie, in the order gdb looks (gdb manual, "Separate Debug Files"):
//   ROOT/.build-id/ab/cdef….debug
//   DIR/NAME, DIR/.debug/NAME, ROOT/DIR/NAME   with NAME from .gnu_debuglink, DIR the module's
// `elf` is the module's file, null if that is gone: the build id is enough.
std::vector<std::string> debug_file_paths(const Module& module, const ElfFile* elf,
                                          const std::string& debug_root);

// True when one was found, that has the module's build id, its code at the same addresses, and what
// is asked for: a .symtab, or .debug_info. Then `elf` is set; it refers to `file`.
enum class DebugContents : std::uint8_t { kSymbols, kLines };
bool open_debug_file(const Module& module, const ElfFile* module_elf, const std::string& debug_root,
                     DebugContents contents, FileSource& file, std::optional<ElfFile>& elf);

// The same for the .debug_info of a module without build id: the file has the checksum that the link
// tells. All of it is read for that, and charged to `budget`: one that takes more than half of a
// whole budget is too large, so that something is left for its lines and for other modules.
enum class LinkedFile : std::uint8_t { kNone, kOpen, kTooLarge, kOverBudget };
LinkedFile open_linked_file(const Module& module, const ElfFile& module_elf,
                            const std::string& debug_root, ReadBudget& budget, FileSource& file,
                            std::optional<ElfFile>& elf);

}  // namespace otprof::symbols
