// SPDX-License-Identifier: Apache-2.0
#include "agent/go_program.h"

#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>

#include <cstddef>
#include <cstdint>

namespace otprof::agent {

// A Go program's linker leaves a note named "Go" (type 4, the build id).
bool is_go_program() noexcept {
  const auto* headers = reinterpret_cast<const ElfW(Phdr)*>(getauxval(AT_PHDR));
  const std::size_t count = getauxval(AT_PHNUM);
  std::uintptr_t bias = 0;
  for (std::size_t i = 0; headers != nullptr && i < count; ++i) {
    if (headers[i].p_type == PT_PHDR) {
      bias = reinterpret_cast<std::uintptr_t>(headers) - headers[i].p_vaddr;
    }
  }
  constexpr char kGoName[4] = {'G', 'o', '\0', '\0'};
  constexpr unsigned kGoBuildId = 4;
  for (std::size_t i = 0; headers != nullptr && i < count; ++i) {
    if (headers[i].p_type != PT_NOTE) {
      continue;
    }
    const std::uintptr_t end = bias + headers[i].p_vaddr + headers[i].p_memsz;
    std::uintptr_t at = bias + headers[i].p_vaddr;
    while (end - at >= sizeof(ElfW(Nhdr)) + sizeof kGoName) {
      const auto* note = reinterpret_cast<const ElfW(Nhdr)*>(at);
      if (note->n_type == kGoBuildId && note->n_namesz == sizeof kGoName &&
          memcmp(note + 1, kGoName, sizeof kGoName) == 0) {
        return true;
      }
      const std::uintptr_t size =
          sizeof *note + ((note->n_namesz + 3UL) & ~3UL) + ((note->n_descsz + 3UL) & ~3UL);
      if (size > end - at) {
        break;
      }
      at += size;
    }
  }
  return false;
}

}  // namespace otprof::agent
