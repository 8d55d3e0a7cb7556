// SPDX-License-Identifier: Apache-2.0
//
// Addresses -> symbols, out of one symbol table of one ELF file, in a single pass of 64 KiB reads:
// memory does not grow with the table, only with the number of addresses. Names are read only for
// symbols that answer an address. Background thread only.
//
// Which symbol answers:
//  - Only functions (STT_FUNC, STT_GNU_IFUNC) and untyped labels whose address lies in a section of
//    machine code; a size that runs past the end of the section is cut there.
//  - A symbol whose [value, value+size) holds the address wins over one without a size. A function
//    wins over an untyped label; of several, the one that starts last (the innermost).
//  - A symbol without size (assembly) covers the addresses after it in its section up to the next
//    symbol. It is believed only in .symtab: .dynsym knows just what is exported, and a label there
//    would swallow every static function behind it.
//  - Of several names for the same start (better_name): exported over local; not beginning with a
//    dot; fewer leading underscores (malloc over __libc_malloc); global over weak; no or a default
//    version over a hidden one (memmove over memcpy@GLIBC_2.2.5); shorter; then by alphabet, so
//    that the answer never depends on the order in the table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "agent/symbols/elf_file.h"

namespace otprof::symbols {

// Longer names are of no use to a reader, and are cut (symbol_name.h).
inline constexpr std::size_t kMaxNameBytes = 1024;

struct NamedStart {
  std::string name;  // with version suffix, if any; at most kMaxNameBytes + 1 bytes
  std::uint64_t start = 0;
};

struct AddressQuery {
  std::uint64_t address = 0;  // in the file's own view
  std::optional<NamedStart> found;
};

// Fills `found` of the queries that have none yet. `queries` ascending by address. False when the
// table is malformed; what was found before that stands.
bool find_symbols(const ElfFile& file, const Elf64_Shdr& table, std::span<AddressQuery> queries);

// Exposed for tests: whether `a` is the better of two names that have the same address.
struct NameCandidate {
  std::string name;
  unsigned char binding = 0;  // STB_*
};
bool better_name(const NameCandidate& a, const NameCandidate& b);

}  // namespace otprof::symbols
