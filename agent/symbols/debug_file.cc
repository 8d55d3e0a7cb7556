// SPDX-License-Identifier: Apache-2.0
#include "agent/symbols/debug_file.h"

#include <zlib.h>

#include <algorithm>
#include <utility>

namespace otprof::symbols {
namespace {

constexpr std::size_t kMaxLinkBytes = 255;  // NAME_MAX
constexpr std::size_t kPortion = 65536;

bool has(const ElfFile& elf, DebugContents contents) {
  return contents == DebugContents::kLines ? DebugSections::present_in(elf)
                                           : elf.section_of_type(SHT_SYMTAB) != nullptr;
}

// Where .gnu_debuglink says. `checksum` is of the whole file.
std::vector<std::string> linked_paths(const Module& module, const ElfFile& elf,
                                      const std::string& debug_root, std::uint32_t& checksum) {
  const Elf64_Shdr* const link = elf.section_named(".gnu_debuglink");
  if (link == nullptr || !module.path.starts_with('/')) return {};
  const auto name = elf.string_at(*link, 0, kMaxLinkBytes);
  if (!name || name->empty() || name->find('/') != std::string::npos) return {};
  // Behind the name, aligned to four bytes.
  const std::uint64_t at = name->size() / 4 * 4 + 4;
  if (link->sh_size < sizeof checksum || at > link->sh_size - sizeof checksum ||
      !elf.source().read(link->sh_offset + at, &checksum, sizeof checksum)) {
    checksum = 0;
  }
  const std::string directory = module.path.substr(0, module.path.rfind('/') + 1);
  return {directory + *name, directory + ".debug/" + *name, debug_root + directory + *name};
}

// Its segments keep their addresses; their offsets mean nothing in a file without contents.
bool has_code_of(const Module& module, const ElfFile& elf) {
  const std::uint64_t code_start = module.text_start - module.bias;
  const std::uint64_t code_limit = module.text_limit - module.bias;
  return std::ranges::any_of(elf.segments(), [&](const Elf64_Phdr& segment) {
    return segment.p_type == PT_LOAD && (segment.p_flags & PF_X) != 0 &&
           segment.p_vaddr >= code_start && segment.p_vaddr < code_limit;
  });
}

bool has_checksum(const FileSource& file, std::uint32_t checksum) {
  std::vector<unsigned char> part(std::min<std::uint64_t>(file.size(), kPortion));
  uLong sum = crc32(0, nullptr, 0);
  for (std::uint64_t offset = 0; offset < file.size(); offset += part.size()) {
    const std::size_t size = std::min<std::uint64_t>(part.size(), file.size() - offset);
    if (!file.read(offset, part.data(), size)) return false;
    sum = crc32(sum, part.data(), static_cast<uInt>(size));
  }
  return sum == checksum;
}

}  // namespace

std::vector<std::string> debug_file_paths(const Module& module, const ElfFile* elf,
                                          const std::string& debug_root) {
  std::vector<std::string> paths;
  const std::string& id = module.build_id;
  if (id.size() <= 2) return paths;
  paths.push_back(debug_root + "/.build-id/" + id.substr(0, 2) + '/' + id.substr(2) + ".debug");
  if (elf == nullptr) return paths;
  std::uint32_t unused = 0;
  for (std::string& path : linked_paths(module, *elf, debug_root, unused)) {
    paths.push_back(std::move(path));
  }
  return paths;
}

bool open_debug_file(const Module& module, const ElfFile* module_elf, const std::string& debug_root,
                     DebugContents contents, FileSource& file, std::optional<ElfFile>& elf) {
  for (const std::string& path : debug_file_paths(module, module_elf, debug_root)) {
    if (!file.open(path)) continue;
    elf = ElfFile::open(file);
    if (!elf || elf->build_id() != module.build_id || !has(*elf, contents)) continue;
    if (has_code_of(module, *elf)) return true;
  }
  elf.reset();
  file.close();
  return false;
}

LinkedFile open_linked_file(const Module& module, const ElfFile& module_elf,
                            const std::string& debug_root, ReadBudget& budget, FileSource& file,
                            std::optional<ElfFile>& elf) {
  std::uint32_t checksum = 0;
  LinkedFile state = LinkedFile::kNone;
  for (const std::string& path : linked_paths(module, module_elf, debug_root, checksum)) {
    if (!file.open(path)) continue;
    elf = ElfFile::open(file);
    if (!elf || !has(*elf, DebugContents::kLines) || !has_code_of(module, *elf)) continue;
    if (file.size() > budget.limit() / 2) {
      state = LinkedFile::kTooLarge;
    } else if (file.size() > budget.left()) {  // nothing is taken: others may have use for the rest
      state = LinkedFile::kOverBudget;
    } else if (budget.take(file.size()) && has_checksum(file, checksum)) {
      return LinkedFile::kOpen;
    }
  }
  elf.reset();
  file.close();
  return state;
}

}  // namespace otprof::symbols
