// SPDX-License-Identifier: Apache-2.0
#include "agent/symbols/module_ranges.h"

#include <sys/auxv.h>

#include <algorithm>

namespace otprof::symbols {
namespace {

std::uintptr_t page_size() { return getauxval(AT_PAGESZ); }
std::uintptr_t page_down(std::uintptr_t address) { return address & ~(page_size() - 1); }
std::uintptr_t page_up(std::uintptr_t address) { return page_down(address + page_size() - 1); }

// Address minus file offset: one number for all of a segment.
std::uint64_t displacement(const Elf64_Phdr& segment) { return segment.p_vaddr - segment.p_offset; }

}  // namespace

bool set_ranges(std::span<const Elf64_Phdr> segments, Module& module) {
  module.start = UINTPTR_MAX;
  module.limit = 0;
  const Elf64_Phdr* first = nullptr;
  const Elf64_Phdr* last = nullptr;
  const Elf64_Phdr* largest = nullptr;
  bool one_displacement = true;
  for (const Elf64_Phdr& segment : segments) {
    if (segment.p_type != PT_LOAD || segment.p_memsz == 0) continue;
    const std::uintptr_t begin = module.bias + segment.p_vaddr;
    if (segment.p_memsz > UINTPTR_MAX - page_size() - begin) return false;
    module.start = std::min(module.start, page_down(begin));
    module.limit = std::max(module.limit, page_up(begin + segment.p_memsz));
    if ((segment.p_flags & PF_X) == 0) continue;
    if (first == nullptr) first = &segment;
    last = &segment;
    if (largest == nullptr || segment.p_memsz > largest->p_memsz) largest = &segment;
    one_displacement = one_displacement && displacement(segment) == displacement(*first);
  }
  if (module.start >= module.limit) return false;
  if (first == nullptr) return true;  // data only: nothing runs there
  if (!one_displacement) first = last = largest;
  module.text_start = page_down(module.bias + first->p_vaddr);
  module.text_limit = page_up(module.bias + last->p_vaddr + last->p_memsz);
  module.text_offset = page_down(first->p_offset);
  return true;
}

}  // namespace otprof::symbols
