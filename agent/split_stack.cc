// SPDX-License-Identifier: Apache-2.0
//
// Whatever is linked with -fsplit-stack has a part of libgcc in it that is not to be seen from outside: a
// constructor, __stack_split_initialize. It begins by noting in the thread's control block how far down the
// stack goes, in an instruction that is found nowhere else.
#include "agent/split_stack.h"

#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>

namespace otprof::agent {
namespace {

// mov %rax, %fs:0x70
constexpr unsigned char kNoteLimit[] = {0x64, 0x48, 0x89, 0x04, 0x25, 0x70, 0x00, 0x00, 0x00};
constexpr std::size_t kWithin = 32;

bool is_code(const dl_phdr_info& object, std::uintptr_t address) noexcept {
  for (std::size_t i = 0; i < object.dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object.dlpi_phdr[i];
    const std::uintptr_t offset = address - object.dlpi_addr - segment.p_vaddr;
    if (segment.p_type == PT_LOAD && segment.p_flags == (PF_R | PF_X) &&
        segment.p_filesz >= kWithin && offset <= segment.p_filesz - kWithin) {
      return true;
    }
  }
  return false;
}

bool notes_limit(std::uintptr_t function) noexcept {
  const auto* code = reinterpret_cast<const unsigned char*>(function);
  return std::search(code, code + kWithin, std::begin(kNoteLimit), std::end(kNoteLimit)) !=
         code + kWithin;
}

int look(dl_phdr_info* object, std::size_t /*size*/, void* found) noexcept {
  const ElfW(Dyn)* dynamic = nullptr;
  for (std::size_t i = 0; i < object->dlpi_phnum; ++i) {
    if (object->dlpi_phdr[i].p_type == PT_DYNAMIC) {
      dynamic =
          reinterpret_cast<const ElfW(Dyn)*>(object->dlpi_addr + object->dlpi_phdr[i].p_vaddr);
    }
  }
  const std::uintptr_t* constructors = nullptr;
  std::size_t count = 0;
  for (; dynamic != nullptr && dynamic->d_tag != DT_NULL; ++dynamic) {
    if (dynamic->d_tag == DT_INIT_ARRAY) {
      constructors =
          reinterpret_cast<const std::uintptr_t*>(object->dlpi_addr + dynamic->d_un.d_ptr);
    } else if (dynamic->d_tag == DT_INIT_ARRAYSZ) {
      count = dynamic->d_un.d_val / sizeof *constructors;
    }
  }
  for (std::size_t i = 0; constructors != nullptr && i < count; ++i) {
    if (is_code(*object, constructors[i]) && notes_limit(constructors[i])) {
      *static_cast<bool*>(found) = true;
      return 1;
    }
  }
  return 0;
}

}  // namespace

bool has_split_stacks() noexcept {
  bool found = false;
  dl_iterate_phdr(look, &found);
  return found;
}

}  // namespace otprof::agent
