// SPDX-License-Identifier: Apache-2.0
//
// Addresses -> function names, from .symtab and .dynsym of the modules' own files (and of separate
// debug files found by build id in /usr/lib/debug), mapped read-only for the moment of the look-up
// and dropped after it. What was found is kept between windows in a bounded cache.
//
// Promises: no address is resolved from a file other than the one that is mapped in the process;
// corrupt files (sizes, offsets, links out of range, unterminated names) give "no symbol", counted,
// never a fault; a truncated file while mapped does not kill the host (bounds come from fstat and
// reads go through pread where a mapping could fault). Background thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "agent/symbols/module_map.h"

namespace otprof::symbols {

struct Symbol {
  std::string_view system_name;  // as in the symbol table, without a version suffix
  std::string_view name;         // demangled; equal to system_name when it was not mangled
};

struct Query {
  const Module* module = nullptr;  // may be null: then nothing is found
  std::uint64_t address = 0;       // run-time address
  Symbol symbol;                   // the answer; empty strings: none. Valid until the next resolve().
};

class Symbolizer {
 public:
  Symbolizer();
  ~Symbolizer();
  Symbolizer(const Symbolizer&) = delete;
  Symbolizer& operator=(const Symbolizer&) = delete;

  // Answers all queries of a window together: each module's symbol table is read once.
  void resolve(std::span<Query> queries);

  struct Counters {
    std::uint64_t resolved = 0;
    std::uint64_t no_symbol = 0;      // the file has no symbol that covers the address
    std::uint64_t file_unreadable = 0;  // gone, replaced, not permitted
    std::uint64_t file_malformed = 0;
  };
  const Counters& counters() const;
  std::size_t memory_bytes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace otprof::symbols
