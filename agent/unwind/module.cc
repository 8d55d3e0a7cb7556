// SPDX-License-Identifier: Apache-2.0
// Runs in signal handlers and malloc hooks. Calls: _dl_find_object, or find_in_snapshot.
// A constructor calls getauxval, dlsym and dlerror.
#include "agent/unwind/module.h"

#include <dlfcn.h>
#include <sys/auxv.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstring>

#include "agent/unwind/module_snapshot.h"

namespace otprof::unwind {
namespace {

constexpr std::uintptr_t kPage = 4096;  // the smallest there is: what surely is mapped at map_start

// glibc's struct dl_find_object on x86-64. By our own name, so that the library can be built where there is
// none; the function is looked up by name, so that it can be loaded there.
struct LoaderObject {
  unsigned long long flags;
  std::uintptr_t map_start;
  std::uintptr_t map_end;
  void* map;
  std::uintptr_t eh_frame_hdr;
  std::array<unsigned long long, 7> reserved;
};
#if __GLIBC_PREREQ(2, 35)
static_assert(sizeof(LoaderObject) == sizeof(dl_find_object) &&
              offsetof(LoaderObject, map_start) == offsetof(dl_find_object, dlfo_map_start) &&
              offsetof(LoaderObject, map_end) == offsetof(dl_find_object, dlfo_map_end) &&
              offsetof(LoaderObject, eh_frame_hdr) == offsetof(dl_find_object, dlfo_eh_frame));
#endif
using LoaderFindObject = int (*)(void*, LoaderObject*);
constinit LoaderFindObject loader_find_object = nullptr;

// Before every constructor that could start a profiler.
[[gnu::constructor(101)]] void look_up_find_object() {
  loader_find_object = reinterpret_cast<LoaderFindObject>(dlsym(RTLD_DEFAULT, "_dl_find_object"));
  if (loader_find_object == nullptr) dlerror();  // the program need not hear of it
}

// What the kernel tells of the main program. Its segments may have gaps between them, into which
// other things are mapped; then _dl_find_object reports the segment around the address, not the
// program, and the ELF header is out of reach.
struct MainProgram {
  ProgramHeaders headers;
  std::atomic<std::uintptr_t> eh_frame_hdr{0};  // by which a Module is known to be it; set last
};
constinit MainProgram main_program;

// Before every constructor that could start a profiler.
[[gnu::constructor(101)]] void read_auxiliary_vector() {
  ProgramHeaders headers;
  headers.first = reinterpret_cast<const Elf64_Phdr*>(getauxval(AT_PHDR));
  headers.count = static_cast<unsigned>(getauxval(AT_PHNUM));
  headers.entry = getauxval(AT_ENTRY);
  if (headers.first == nullptr) return;
  std::uintptr_t eh_frame_hdr = 0;
  for (unsigned i = 0; i < headers.count; ++i) {
    const Elf64_Phdr& header = headers.first[i];
    if (header.p_type == PT_PHDR) {
      headers.load_bias = reinterpret_cast<std::uintptr_t>(headers.first) - header.p_vaddr;
    }
    if (header.p_type == PT_GNU_EH_FRAME) eh_frame_hdr = header.p_vaddr;
  }
  if (eh_frame_hdr == 0) return;
  main_program.headers = headers;
  main_program.eh_frame_hdr.store(headers.load_bias + eh_frame_hdr, std::memory_order_release);
}

bool is_main_program(const Module& module) noexcept {
  return module.eh_frame_hdr != 0 &&
         module.eh_frame_hdr == main_program.eh_frame_hdr.load(std::memory_order_acquire);
}

Bytes span(std::uintptr_t begin, std::uintptr_t end) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(begin), end - begin};
}

Bytes segment(const Module& module, std::uintptr_t address, Elf64_Word flags) noexcept {
  const ProgramHeaders headers = program_headers(module);
  if (headers.count == 0) {
    if (address < module.map_start || address >= module.map_end) return {};
    return span(module.map_start, module.map_end);
  }
  for (unsigned i = 0; i < headers.count; ++i) {
    const Elf64_Phdr& header = headers.first[i];
    if (header.p_type != PT_LOAD || (header.p_flags & flags) != flags) continue;
    const std::uintptr_t begin = headers.load_bias + header.p_vaddr;
    if (address - begin >= header.p_memsz) continue;
    const std::uintptr_t end = begin + header.p_memsz;
    if (is_main_program(module)) return span(begin, end);
    // The headers are only as good as the file: never beyond what the loader has mapped.
    if (address < module.map_start || address >= module.map_end) return {};
    return span(std::max(begin, module.map_start), std::min(end, module.map_end));
  }
  return {};
}

}  // namespace

ProgramHeaders program_headers(const Module& module) noexcept {
  if (is_main_program(module)) return main_program.headers;
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
    headers.first = first;
    headers.count = elf->e_phnum;
    headers.load_bias = module.map_start - (first[i].p_vaddr & ~(kPage - 1));
    if (elf->e_entry != 0) headers.entry = headers.load_bias + elf->e_entry;
    break;
  }
  return headers;
}

void know_loaded_modules() noexcept {
  if (!has_find_object()) renew_module_snapshot();
}

bool has_find_object() noexcept { return loader_find_object != nullptr; }

bool find_object(std::uintptr_t address, Module& module) noexcept {
  if (loader_find_object == nullptr) return find_in_snapshot(address, module);
  LoaderObject found;
  if (loader_find_object(reinterpret_cast<void*>(address), &found) != 0) return false;
  module.map_start = found.map_start;
  module.map_end = found.map_end;
  module.eh_frame_hdr = found.eh_frame_hdr;
  return true;
}

extern "C" int __wrap__dl_find_object(void* address, LoaderObject* object);

// What the C++ runtime that is linked into the library would call (unwind_dep binds it): as its own it would
// keep the library from being loaded where there is none.
int __wrap__dl_find_object(void* address, LoaderObject* object) {
  Module module;
  if (!find_object(reinterpret_cast<std::uintptr_t>(address), module)) return -1;
  *object = {};
  object->map_start = module.map_start;
  object->map_end = module.map_end;
  object->eh_frame_hdr = module.eh_frame_hdr;
  return 0;
}

Bytes readable_segment(const Module& module, std::uintptr_t address) noexcept {
  return segment(module, address, PF_R);
}

Bytes code_segment(const Module& module, std::uintptr_t address) noexcept {
  return segment(module, address, PF_R | PF_X);
}

}  // namespace otprof::unwind
