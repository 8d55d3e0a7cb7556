// SPDX-License-Identifier: Apache-2.0
#include "test/unit/symbols/module_of_file.h"

#include <algorithm>

#include "agent/symbols/elf_file.h"

namespace otprof::symbols::test {

Module module_of_file(const std::string& path, std::uintptr_t bias) {
  constexpr std::uint64_t kPageMask = 4095;
  static std::uint32_t next_id = 1000000;
  Module module;
  module.id = next_id++;
  FileSource file;
  if (!file.open(path)) return module;
  const auto elf = ElfFile::open(file);
  if (!elf) return module;
  module.path = path;
  module.bias = bias;
  module.start = UINTPTR_MAX;
  module.build_id = elf->build_id();
  module.device = file.device();
  module.inode = file.inode();
  for (const Elf64_Phdr& segment : elf->segments()) {
    if (segment.p_type != PT_LOAD) continue;
    const std::uintptr_t begin = bias + segment.p_vaddr;
    module.start = std::min(module.start, begin & ~kPageMask);
    module.limit = std::max(module.limit, (begin + segment.p_memsz + kPageMask) & ~kPageMask);
    if ((segment.p_flags & PF_X) == 0 || module.text_start != 0) continue;
    module.text_start = begin & ~kPageMask;
    module.text_limit = (begin + segment.p_memsz + kPageMask) & ~kPageMask;
    module.text_offset = segment.p_offset & ~kPageMask;
  }
  return module;
}

}  // namespace otprof::symbols::test
