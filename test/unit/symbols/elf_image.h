// SPDX-License-Identifier: Apache-2.0
//
// Makes small ELF files by hand, so that a test can say exactly what is in a symbol table, and
// damage it.
#pragma once

#include <elf.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/symbols/byte_source.h"

namespace otprof::symbols::test {

class BytesSource final : public ByteSource {
 public:
  explicit BytesSource(std::string bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size() const override { return bytes_.size(); }
  bool read(std::uint64_t offset, void* to, std::size_t size) const override {
    ++reads_;
    if (offset > bytes_.size() || size > bytes_.size() - offset) return false;
    bytes_.copy(static_cast<char*>(to), size, offset);
    return true;
  }
  std::size_t reads() const { return reads_; }

 private:
  mutable std::size_t reads_ = 0;
  std::string bytes_;
};

// Sections: 1 .text at 0x1000, 2 .text.more at 0x3000 (both 0x1000 long, code), 3 .data at 0x5000,
// 4 the symbol table, 5 its strings, 6 the names of sections. One executable segment.
class ElfImage {
 public:
  enum Section : std::uint16_t { kText = 1, kMore = 2, kData = 3 };
  static constexpr std::size_t kTable = 4;
  static constexpr std::size_t kStrings = 5;
  static constexpr std::size_t kSectionNames = 6;
  static constexpr std::size_t kSectionCount = 7;

  ElfImage();
  ElfImage& add(std::string_view name, std::uint64_t start, std::uint64_t size,
                unsigned char type = STT_FUNC, unsigned char binding = STB_GLOBAL,
                std::uint16_t section = kText);
  // One more section, with contents.
  ElfImage& add_section(std::string_view name, std::string bytes);
  std::string bytes() const;

  // May be changed before bytes(): file offsets and sizes are filled in by it unless set here.
  Elf64_Ehdr header{};
  std::vector<Elf64_Shdr> sections;
  std::vector<Elf64_Sym> symbols;
  std::string strings = std::string(1, '\0');
  std::string section_names = std::string("\0.text\0", 7);
  std::vector<std::string> more;  // of the sections behind those above
};

}  // namespace otprof::symbols::test
