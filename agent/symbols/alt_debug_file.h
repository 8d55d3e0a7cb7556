// SPDX-License-Identifier: Apache-2.0
//
// The file to which dwz(1) has moved what the debug files of one package have in common: names, and
// entries of functions that are inlined in several. Found by .gnu_debugaltlink, whose build id proves
// that it belongs. Background thread only.
#pragma once

#include <optional>
#include <string>

#include "agent/symbols/byte_source.h"
#include "agent/symbols/debug_sections.h"
#include "agent/symbols/elf_file.h"

namespace otprof::symbols {

class AltDebugFile {
 public:
  // Null if `elf` names none, or the one it names is not to be had. What is returned refers to this
  // object and to `budget`. Looked for where the link says, if that is an absolute path, and by its
  // build id below `debug_root`.
  DebugSections* open(const ElfFile& elf, const std::string& debug_root, ReadBudget& budget);

 private:
  FileSource file_;
  std::optional<ElfFile> elf_;
  std::optional<DebugSections> sections_;
};

}  // namespace otprof::symbols
