// SPDX-License-Identifier: Apache-2.0
#include "agent/symbols/elf_file.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "agent/symbols/build_id.h"

namespace otprof::symbols {
namespace {

// Linked files have some dozens; more is corruption or an object file. 1 MiB of headers at most.
constexpr std::uint64_t kMaxSections = 16384;
constexpr std::uint16_t kMaxSegments = 1024;
constexpr std::uint64_t kMaxSectionNames = 1U << 20;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
constexpr unsigned char kByteOrder = ELFDATA2LSB;
#else
constexpr unsigned char kByteOrder = ELFDATA2MSB;
#endif

bool in_range(std::uint64_t offset, std::uint64_t size, std::uint64_t total) {
  return offset <= total && size <= total - offset;
}

}  // namespace

std::optional<ElfFile> ElfFile::open(const ByteSource& source, Kind kind) {
  Elf64_Ehdr header;
  if (!source.read(0, &header, sizeof header)) return std::nullopt;
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_ident[EI_DATA] != kByteOrder || header.e_machine != kMachine ||
      (header.e_type == ET_REL) != (kind == Kind::kObject) ||
      (header.e_type != ET_REL && header.e_type != ET_EXEC && header.e_type != ET_DYN)) {
    return std::nullopt;
  }
  ElfFile file(source);
  if (!file.read_segments(header) || !file.read_sections(header)) return std::nullopt;
  return file;
}

bool ElfFile::read_segments(const Elf64_Ehdr& header) {
  if (header.e_phnum == 0) return true;
  if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum > kMaxSegments) return false;
  segments_.resize(header.e_phnum);
  return source_->read(header.e_phoff, segments_.data(), segments_.size() * sizeof(Elf64_Phdr));
}

bool ElfFile::read_sections(const Elf64_Ehdr& header) {
  if (header.e_shoff == 0) return true;
  if (header.e_shentsize != sizeof(Elf64_Shdr)) return false;
  // Numbers that do not fit the header are in the first section's header (gABI, "ELF Header").
  Elf64_Shdr first;
  if (!source_->read(header.e_shoff, &first, sizeof first)) return false;
  const std::uint64_t count = header.e_shnum != 0 ? header.e_shnum : first.sh_size;
  const std::uint64_t names = header.e_shstrndx != SHN_XINDEX ? header.e_shstrndx : first.sh_link;
  if (count > kMaxSections ||
      !in_range(header.e_shoff, count * sizeof(Elf64_Shdr), source_->size())) {
    return false;
  }
  sections_.resize(count);
  if (!source_->read(header.e_shoff, sections_.data(), count * sizeof(Elf64_Shdr))) return false;
  for (Elf64_Shdr& section : sections_) {
    if (section.sh_type != SHT_NOBITS && section.sh_type != SHT_NULL &&
        !in_range(section.sh_offset, section.sh_size, source_->size())) {
      section.sh_type = SHT_NULL;
      damaged_ = true;
    }
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    if ((sections_[i].sh_flags & SHF_EXECINSTR) != 0 && sections_[i].sh_size != 0) {
      code_sections_.push_back(i);
    }
  }
  std::ranges::stable_sort(code_sections_, {}, [&](auto i) { return sections_[i].sh_addr; });
  if (names == SHN_UNDEF || names >= count || sections_[names].sh_type != SHT_STRTAB) return true;
  section_names_.resize(std::min(sections_[names].sh_size, kMaxSectionNames));
  return source_->read(sections_[names].sh_offset, section_names_.data(), section_names_.size());
}

std::string_view ElfFile::section_name(const Elf64_Shdr& section) const {
  const std::string_view names = section_names_;
  if (section.sh_name >= names.size()) return {};
  const std::string_view name = names.substr(section.sh_name);
  return name.substr(0, std::min(name.find('\0'), name.size()));
}

bool ElfFile::has_contents(const Elf64_Shdr& section) const {
  return section.sh_type != SHT_NULL && section.sh_type != SHT_NOBITS &&
         (section.sh_flags & SHF_COMPRESSED) == 0;
}

const Elf64_Shdr* ElfFile::section_of_type(std::uint32_t type) const {
  const auto found = std::ranges::find_if(
      sections_, [&](const auto& s) { return s.sh_type == type && has_contents(s); });
  return found != sections_.end() ? &*found : nullptr;
}

const Elf64_Shdr* ElfFile::section_named(std::string_view name) const {
  const auto found = std::ranges::find_if(
      sections_, [&](const auto& s) { return has_contents(s) && section_name(s) == name; });
  return found != sections_.end() ? &*found : nullptr;
}

const Elf64_Shdr* ElfFile::code_section(std::uint64_t address) const {
  const auto after = std::ranges::upper_bound(code_sections_, address, {},
                                              [&](auto i) { return sections_[i].sh_addr; });
  if (after == code_sections_.begin()) return nullptr;
  const Elf64_Shdr& section = sections_[*std::prev(after)];
  return address - section.sh_addr < section.sh_size ? &section : nullptr;
}

const Elf64_Phdr* ElfFile::code_segment() const {
  const auto found = std::ranges::find_if(
      segments_, [](const auto& s) { return s.p_type == PT_LOAD && (s.p_flags & PF_X) != 0; });
  return found != segments_.end() ? &*found : nullptr;
}

std::string ElfFile::build_id() const {
  for (const Elf64_Shdr& section : sections_) {
    if (section.sh_type != SHT_NOTE) continue;
    std::string id = build_id_at(section.sh_offset, section.sh_size, section.sh_addralign);
    if (!id.empty()) return id;
  }
  for (const Elf64_Phdr& segment : segments_) {
    if (segment.p_type != PT_NOTE) continue;
    std::string id = build_id_at(segment.p_offset, segment.p_filesz, segment.p_align);
    if (!id.empty()) return id;
  }
  return {};
}

std::string ElfFile::build_id_at(std::uint64_t offset, std::uint64_t size,
                                 std::uint64_t alignment) const {
  if (size > kMaxNoteBytes) return {};
  std::vector<std::byte> notes(size);
  if (!source_->read(offset, notes.data(), notes.size())) return {};
  return find_build_id(notes, alignment);
}

std::optional<std::string> ElfFile::string_at(const Elf64_Shdr& strings, std::uint64_t offset,
                                              std::size_t max) const {
  std::string text;
  std::array<char, 256> part;
  while (offset < strings.sh_size) {
    const std::size_t size = std::min<std::uint64_t>(part.size(), strings.sh_size - offset);
    // A section's end was checked against the file: this cannot wrap.
    if (!source_->read(strings.sh_offset + offset, part.data(), size)) return std::nullopt;
    const std::size_t length =
        static_cast<std::size_t>(std::find(part.data(), part.data() + size, '\0') - part.data());
    text.append(part.data(), std::min(length, max - text.size()));
    if (length < size || text.size() == max) return text;
    offset += size;
  }
  return std::nullopt;
}

}  // namespace otprof::symbols
