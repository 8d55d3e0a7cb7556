// SPDX-License-Identifier: Apache-2.0
// Runs in signal handlers and malloc hooks. Calls: _dl_find_object.
#include "agent/unwind/module.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstring>

// Weak: a library that needs it could not be loaded at all by a glibc older than 2.35.
extern "C" int _dl_find_object(void* address, struct dl_find_object* result) noexcept
    __attribute__((weak));

namespace otprof::unwind {
namespace {

constexpr std::uintptr_t kPage = 4096;  // the smallest there is: what surely is mapped at map_start

Bytes segment(const Module& module, std::uintptr_t address, Elf64_Word flags) noexcept {
  if (address < module.map_start || address >= module.map_end) return {};
  const ProgramHeaders headers = program_headers(module);
  std::uintptr_t begin = module.map_start;
  std::uintptr_t end = module.map_end;
  if (headers.count != 0) {
    bool found = false;
    for (unsigned i = 0; i < headers.count && !found; ++i) {
      const Elf64_Phdr& header = headers.first[i];
      if (header.p_type != PT_LOAD || (header.p_flags & flags) != flags) continue;
      begin = headers.load_bias + header.p_vaddr;
      found = address - begin < header.p_memsz;
      end = begin + header.p_memsz;
    }
    if (!found) return {};
    begin = std::max(begin, module.map_start);
    end = std::min(end, module.map_end);
    if (address < begin || address >= end) return {};
  }
  return {reinterpret_cast<const std::uint8_t*>(begin), end - begin};
}

}  // namespace

ProgramHeaders program_headers(const Module& module) noexcept {
  ProgramHeaders headers;
  if (module.map_end - module.map_start < kPage) return headers;
  const auto* elf = reinterpret_cast<const Elf64_Ehdr*>(module.map_start);
  if (std::memcmp(elf->e_ident, ELFMAG, SELFMAG) != 0 || elf->e_ident[EI_CLASS] != ELFCLASS64 ||
      elf->e_phentsize != sizeof(Elf64_Phdr) || elf->e_phoff % alignof(Elf64_Phdr) != 0 ||
      elf->e_phoff > kPage || elf->e_phoff + elf->e_phnum * sizeof(Elf64_Phdr) > kPage) {
    return headers;
  }
  const auto* first = reinterpret_cast<const Elf64_Phdr*>(module.map_start + elf->e_phoff);
  for (unsigned i = 0; i < elf->e_phnum; ++i) {
    if (first[i].p_type != PT_LOAD) continue;
    headers = {elf, first, elf->e_phnum, module.map_start - (first[i].p_vaddr & ~(kPage - 1))};
    break;
  }
  return headers;
}

bool find_object(std::uintptr_t address, Module& module) noexcept {
  if (_dl_find_object == nullptr) return false;
  struct dl_find_object found;
  if (_dl_find_object(reinterpret_cast<void*>(address), &found) != 0) return false;
  module.map_start = reinterpret_cast<std::uintptr_t>(found.dlfo_map_start);
  module.map_end = reinterpret_cast<std::uintptr_t>(found.dlfo_map_end);
  module.eh_frame_hdr = reinterpret_cast<std::uintptr_t>(found.dlfo_eh_frame);
  return true;
}

Bytes readable_segment(const Module& module, std::uintptr_t address) noexcept {
  return segment(module, address, PF_R);
}

Bytes code_segment(const Module& module, std::uintptr_t address) noexcept {
  return segment(module, address, PF_R | PF_X);
}

std::uintptr_t entry_point(const Module& module) noexcept {
  const ProgramHeaders headers = program_headers(module);
  if (headers.count == 0 || headers.elf->e_entry == 0) return 0;
  return headers.load_bias + headers.elf->e_entry;
}

}  // namespace otprof::unwind
