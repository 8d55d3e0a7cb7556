// SPDX-License-Identifier: Apache-2.0
//
// Opens the file a module was loaded from, and only that one: what lies at the path today may be
// another version (a package was upgraded under the running program), and its symbols would be
// lies. Background thread only.
#pragma once

#include <optional>
#include <string>

#include "agent/symbols/byte_source.h"
#include "agent/symbols/elf_file.h"
#include "agent/symbols/module_map.h"

namespace otprof::symbols {

enum class FileState {
  kSame,        // the file that is mapped, or a copy with the same build id and code segment
  kUnreadable,  // gone, not permitted, not a regular file, or another file took its place
  kMalformed,   // not an ELF file of this machine, or its headers are corrupt
};

// The file is the same when
//  - a module with a build id: the file has that build id (it identifies the linker's output, and
//    it is all that holds on overlayfs and btrfs, whose st_dev differs from what maps shows), and
//    the code segment has the address and offset that are mapped;
//  - a module without: device and inode are those of the mapping, and the code segment matches.
// On kSame `elf` is set; it refers to `file`.
FileState open_module_file(const Module& module, FileSource& file, std::optional<ElfFile>& elf);

// See ModuleMap::htl_hash. Empty unless the file is the same.
std::string htl_hash_of(const Module& module);

}  // namespace otprof::symbols
