// SPDX-License-Identifier: Apache-2.0
#include "agent/symbols/debug_file.h"

#include <algorithm>
#include <string_view>

#include "agent/symbols/debug_sections.h"

namespace otprof::symbols {
namespace {

constexpr std::size_t kMaxLinkBytes = 255;  // NAME_MAX

bool has(const ElfFile& elf, DebugContents contents) {
  return contents == DebugContents::kLines ? DebugSections::present_in(elf)
                                           : elf.section_of_type(SHT_SYMTAB) != nullptr;
}

}  // namespace

std::vector<std::string> debug_file_paths(const Module& module, const ElfFile* elf,
                                          const std::string& debug_root) {
  std::vector<std::string> paths;
  const std::string& id = module.build_id;
  if (id.size() <= 2) return paths;
  paths.push_back(debug_root + "/.build-id/" + id.substr(0, 2) + '/' + id.substr(2) + ".debug");
  const Elf64_Shdr* const link = elf != nullptr ? elf->section_named(".gnu_debuglink") : nullptr;
  if (link == nullptr || !module.path.starts_with('/')) return paths;
  const auto name = elf->string_at(*link, 0, kMaxLinkBytes);
  if (!name || name->empty() || name->find('/') != std::string::npos) return paths;
  const std::string directory = module.path.substr(0, module.path.rfind('/') + 1);
  paths.push_back(directory + *name);
  paths.push_back(directory + ".debug/" + *name);
  paths.push_back(debug_root + directory + *name);
  return paths;
}

bool open_debug_file(const Module& module, const ElfFile* module_elf, const std::string& debug_root,
                     DebugContents contents, FileSource& file, std::optional<ElfFile>& elf) {
  for (const std::string& path : debug_file_paths(module, module_elf, debug_root)) {
    if (!file.open(path)) continue;
    elf = ElfFile::open(file);
    if (!elf || elf->build_id() != module.build_id || !has(*elf, contents)) continue;
    // Its segments keep their addresses; their offsets mean nothing in a file without contents.
    const std::uint64_t code_start = module.text_start - module.bias;
    const std::uint64_t code_limit = module.text_limit - module.bias;
    const bool same_code = std::ranges::any_of(elf->segments(), [&](const Elf64_Phdr& segment) {
      return segment.p_type == PT_LOAD && (segment.p_flags & PF_X) != 0 &&
             segment.p_vaddr >= code_start && segment.p_vaddr < code_limit;
    });
    if (same_code) return true;
  }
  elf.reset();
  file.close();
  return false;
}

}  // namespace otprof::symbols
