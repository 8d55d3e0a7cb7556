// SPDX-License-Identifier: Apache-2.0
//
// Whatever is linked with -fsplit-stack has a part of libgcc in it that is not to be seen from outside: a
// constructor, __stack_split_initialize. It begins by noting in the thread's control block how far down the
// stack goes, in an instruction that is found nowhere else.
#include "interpose/split_stack.h"

#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>

namespace otprof::interpose {
namespace {

// mov %rax, %fs:0x70
constexpr unsigned char kNoteLimit[] = {0x64, 0x48, 0x89, 0x04, 0x25, 0x70, 0x00, 0x00, 0x00};
constexpr std::size_t kWithin = 32;

// How much code of this module there is from here on; 0: this is not code of it.
std::size_t code_from(const dl_phdr_info& object, std::uintptr_t address) noexcept {
  for (std::size_t i = 0; i < object.dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object.dlpi_phdr[i];
    const std::uintptr_t offset = address - object.dlpi_addr - segment.p_vaddr;
    if (segment.p_type == PT_LOAD && (segment.p_flags & (PF_R | PF_X)) == (PF_R | PF_X) &&
        offset < segment.p_filesz) {
      return segment.p_filesz - offset;
    }
  }
  return 0;
}

bool notes_limit(std::uintptr_t function, std::size_t size) noexcept {
  const auto* code = reinterpret_cast<const unsigned char*>(function);
  const auto* end = code + std::min(size, kWithin);
  return std::search(code, end, std::begin(kNoteLimit), std::end(kNoteLimit)) != end;
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
    const std::size_t size = code_from(*object, constructors[i]);
    if (size == 0) {
      *static_cast<SplitStacks*>(found) = SplitStacks::kNotKnown;
    } else if (notes_limit(constructors[i], size)) {
      *static_cast<SplitStacks*>(found) = SplitStacks::kUsed;
      return 1;
    }
  }
  return 0;
}

}  // namespace

SplitStacks find_split_stacks() noexcept {
  SplitStacks found = SplitStacks::kNone;
  dl_iterate_phdr(look, &found);
  return found;
}

}  // namespace otprof::interpose
