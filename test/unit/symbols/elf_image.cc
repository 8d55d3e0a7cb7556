// SPDX-License-Identifier: Apache-2.0
#include "test/unit/symbols/elf_image.h"

#include <cstring>

#include "agent/symbols/elf_file.h"

namespace otprof::symbols::test {
namespace {

template <typename T>
void append(std::string& to, const T& value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace

ElfImage::ElfImage() : sections(kSectionCount), symbols(1) {
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_DYN;
  header.e_machine = kMachine;
  header.e_version = EV_CURRENT;
  header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_phoff = sizeof(Elf64_Ehdr);
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 1;
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = kSectionCount;
  header.e_shstrndx = kSectionNames;
  for (const Section code : {kText, kMore}) {
    sections[code].sh_type = SHT_NOBITS;
    sections[code].sh_flags = SHF_ALLOC | SHF_EXECINSTR;
    sections[code].sh_size = 0x1000;
  }
  sections[kText].sh_addr = 0x1000;
  sections[kMore].sh_addr = 0x3000;
  sections[kData].sh_type = SHT_NOBITS;
  sections[kData].sh_flags = SHF_ALLOC | SHF_WRITE;
  sections[kData].sh_addr = 0x5000;
  sections[kData].sh_size = 0x1000;
  sections[kTable].sh_type = SHT_SYMTAB;
  sections[kTable].sh_link = kStrings;
  sections[kTable].sh_entsize = sizeof(Elf64_Sym);
  sections[kStrings].sh_type = SHT_STRTAB;
  sections[kSectionNames].sh_type = SHT_STRTAB;
}

ElfImage& ElfImage::add(std::string_view name, std::uint64_t start, std::uint64_t size,
                        unsigned char type, unsigned char binding, std::uint16_t section) {
  Elf64_Sym symbol{};
  symbol.st_name = static_cast<Elf64_Word>(strings.size());
  symbol.st_info = static_cast<unsigned char>(ELF64_ST_INFO(binding, type));
  symbol.st_shndx = section;
  symbol.st_value = start;
  symbol.st_size = size;
  symbols.push_back(symbol);
  strings.append(name).push_back('\0');
  return *this;
}

ElfImage& ElfImage::add_section(std::string_view name, std::string bytes) {
  sections.resize(kSectionCount + more.size() + 1);
  Elf64_Shdr& section = sections.back();
  section.sh_type = SHT_PROGBITS;
  section.sh_name = static_cast<Elf64_Word>(section_names.size());
  section_names.append(name).push_back('\0');
  more.push_back(std::move(bytes));
  header.e_shnum = static_cast<Elf64_Half>(sections.size());
  return *this;
}

std::string ElfImage::bytes() const {
  std::string bytes(sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr), '\0');
  std::vector<Elf64_Shdr> filled = sections;
  const auto place = [&](std::size_t index, std::string_view contents) {
    if (filled[index].sh_offset == 0) filled[index].sh_offset = bytes.size();
    if (filled[index].sh_size == 0) filled[index].sh_size = contents.size();
    bytes += contents;
  };
  place(kTable,
        {reinterpret_cast<const char*>(symbols.data()), symbols.size() * sizeof(Elf64_Sym)});
  place(kStrings, strings);
  place(kSectionNames, section_names);
  for (std::size_t i = 0; i < more.size(); ++i) place(kSectionCount + i, more[i]);
  Elf64_Ehdr head = header;
  if (head.e_shoff == 0) head.e_shoff = bytes.size();
  for (const Elf64_Shdr& section : filled) append(bytes, section);
  Elf64_Phdr segment{};
  segment.p_type = PT_LOAD;
  segment.p_flags = PF_R | PF_X;
  segment.p_offset = segment.p_vaddr = 0x1000;
  segment.p_memsz = segment.p_filesz = 0x3000;
  std::memcpy(bytes.data(), &head, sizeof head);
  std::memcpy(bytes.data() + sizeof head, &segment, sizeof segment);
  return bytes;
}

}  // namespace otprof::symbols::test
