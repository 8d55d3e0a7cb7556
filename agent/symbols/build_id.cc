// SPDX-License-Identifier: Apache-2.0
#include "agent/symbols/build_id.h"

#include <elf.h>

#include <cstring>

namespace otprof::symbols {
namespace {

constexpr std::size_t kMaxIdBytes = 64;  // SHA-512, the longest hash a linker offers

std::string hex(std::span<const std::byte> bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::byte byte : bytes) {
    text += kDigits[std::to_integer<unsigned>(byte) >> 4];
    text += kDigits[std::to_integer<unsigned>(byte) & 15U];
  }
  return text;
}

}  // namespace

std::string find_build_id(std::span<const std::byte> notes, std::uint64_t alignment) {
  const std::uint64_t mask = alignment == 8 ? 7 : 3;
  while (notes.size() >= sizeof(Elf64_Nhdr)) {
    Elf64_Nhdr header;
    std::memcpy(&header, notes.data(), sizeof header);
    // From the start of the note; 64-bit sums of 32-bit sizes cannot wrap.
    const std::uint64_t id_at = (sizeof header + header.n_namesz + mask) & ~mask;
    const std::uint64_t id_size = header.n_descsz;
    if (id_at > notes.size() || id_size > notes.size() - id_at) return {};
    if (header.n_type == NT_GNU_BUILD_ID && header.n_namesz == sizeof ELF_NOTE_GNU &&
        std::memcmp(notes.data() + sizeof header, ELF_NOTE_GNU, sizeof ELF_NOTE_GNU) == 0 &&
        id_size > 0 && id_size <= kMaxIdBytes) {
      return hex(notes.subspan(id_at, id_size));
    }
    const std::uint64_t next = (id_at + id_size + mask) & ~mask;
    if (next > notes.size()) return {};
    notes = notes.subspan(next);
  }
  return {};
}

}  // namespace otprof::symbols
