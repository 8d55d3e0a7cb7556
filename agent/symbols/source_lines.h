// SPDX-License-Identifier: Apache-2.0
//
// Addresses -> functions, files and lines, inlined calls included, from the DWARF of one file: unit
// by unit, each read once for all addresses in it, nothing kept. docs/design/002-symbols.md has the
// numbers. Background thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "agent/symbols/debug_sections.h"

namespace otprof::symbols {

// One of the functions that an address is in, and where in it.
struct SourceFrame {
  std::string_view function;  // linkage name, else plain name; empty if unknown
  std::string_view file;      // absolute as far as the file says; empty if unknown
  std::uint32_t line = 0;     // 0: unknown, or code of no line
};

// Called for each address that was found, in no order; the frames are innermost first and valid during
// the call. Only the last may have no function. No frames: the unit that the address is in is larger
// than the whole budget, and will be the next time.
using SourceSink = std::function<void(std::size_t address, std::span<const SourceFrame> frames)>;

struct SourceResult {
  std::size_t found = 0;
  std::size_t given_up = 0;  // handed out without frames
  bool damaged = false;      // some of the file makes no sense
  bool spent = false;        // there was more to read than the budget allowed
  DebugTrouble trouble = DebugTrouble::kNone;
};

// `addresses` ascending, in the file's own view. `debug_root`: see alt_debug_file.h.
SourceResult find_source_lines(const ElfFile& elf, const std::string& debug_root,
                               ReadBudget& budget, std::span<const std::uint64_t> addresses,
                               const SourceSink& sink);

// Frames of one address; the outermost of a longer chain is moved up to be the last.
inline constexpr std::size_t kMaxInlineFrames = 64;

}  // namespace otprof::symbols
