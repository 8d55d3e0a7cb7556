// SPDX-License-Identifier: Apache-2.0
//
// Addresses -> function names, from .symtab and .dynsym of the modules' own files and of separate
// debug files found by build id; and, if asked for, functions inlined there, files and lines from
// their DWARF. What was found is kept between windows in a bounded cache.
//
// Promises: no address is resolved from a file other than the one that is mapped in the process
// (module_file.h); corrupt files (sizes, offsets, links out of range, unterminated names) give "no
// symbol", counted, never a fault; files are read, not mapped, so that one that is truncated
// meanwhile cannot kill the host; memory is bounded whatever the size of the files. Which symbol
// answers and what it is called: symbol_table.h and symbol_name.h. Background thread only; with
// less than 512 KiB of stack, the longest names stay mangled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/symbols/module_map.h"
#include "agent/symbols/symbol_cache.h"

namespace otprof::symbols {

// Both are valid UTF-8 without control characters, at most 1024 bytes.
struct Symbol {
  std::string_view system_name;  // as in the symbol table, without a version suffix
  std::string_view name;         // demangled; equal to system_name when it was not mangled
  std::uint64_t start = 0;       // run-time address of the symbol; 0 when there is none
  // With Detail::kLines: innermost first, the last one is the function of the symbol. Empty when the
  // module has no debug information for the address.
  std::span<const SourceLine> lines;
};

enum class Detail : std::uint8_t { kSymbols, kLines };

struct Query {
  const Module* module = nullptr;  // may be null: then nothing is found
  std::uint64_t address = 0;       // run-time address
  Symbol symbol;  // the answer; empty strings: none. Valid until the next resolve().
};

class Symbolizer {
 public:
  // `debug_root` is where separate debug files are, absolute.
  // `max_read`: what one resolve() may read of debug information.
  explicit Symbolizer(std::string debug_root = "/usr/lib/debug", Detail detail = Detail::kSymbols,
                      std::uint64_t max_read = kMaxRead);
  ~Symbolizer();
  Symbolizer(const Symbolizer&) = delete;
  Symbolizer& operator=(const Symbolizer&) = delete;

  // Answers all queries of a window together: each module's symbol table is read once, and not at
  // all when the answers are known.
  void resolve(std::span<Query> queries);

  // Since the start of the process. The first five sum up to the number of queries.
  struct Counters {
    std::uint64_t resolved = 0;
    std::uint64_t no_symbol = 0;        // no module, or no symbol covers the address
    std::uint64_t file_unreadable = 0;  // gone, replaced, not permitted
    std::uint64_t file_malformed = 0;
    std::uint64_t over_budget = 0;    // one window had more names than kMaxMemoryBytes holds
    std::uint64_t names_cut = 0;      // distinct names longer than 1024 bytes
    std::uint64_t not_demangled = 0;  // distinct names, malformed or too long to demangle
    // Addresses that have no lines although their module has debug information: it is malformed,
    // compressed in a way that cannot be read, or too large.
    std::uint64_t lines_unread = 0;
    // Looked up later, because one resolve() had read all that it may of debug information.
    std::uint64_t lines_postponed = 0;
  };
  const Counters& counters() const;
  // What the user should know of debug information that could not be read: a sentence each, once for
  // each module.
  std::vector<std::string> take_complaints();

  // What is kept between windows. Above kKeptMemoryBytes all of it is forgotten when the next
  // resolve() begins; kMaxMemoryBytes is never passed.
  static constexpr std::size_t kKeptMemoryBytes = 4 << 20;
  static constexpr std::size_t kMaxMemoryBytes = 8 << 20;
  std::size_t memory_bytes() const;
  // Some 0.3 s of CPU time.
  static constexpr std::uint64_t kMaxRead = 64 << 20;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace otprof::symbols
