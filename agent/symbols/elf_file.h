// SPDX-License-Identifier: Apache-2.0
//
// The headers of one ELF file of this machine's class and byte order, checked: a section whose
// contents do not lie within the file counts as having none. Contents are read on demand.
// Background thread only.
#pragma once

#include <elf.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/symbols/byte_source.h"

namespace otprof::symbols {

// The machine this code runs on; files for others are malformed for us.
#if defined(__x86_64__)
inline constexpr std::uint16_t kMachine = EM_X86_64;
#elif defined(__aarch64__)
inline constexpr std::uint16_t kMachine = EM_AARCH64;
#else
#error "unknown machine"
#endif

class ElfFile {
 public:
  // Linked files have code at addresses; dwz writes its common files as if they were objects.
  enum class Kind : std::uint8_t { kLinked, kObject };
  // Nothing if the headers are malformed or for another machine. `source` must outlive the result.
  static std::optional<ElfFile> open(const ByteSource& source, Kind kind = Kind::kLinked);

  const ByteSource& source() const { return *source_; }
  // True when a section was dropped because it lies outside the file.
  bool damaged() const { return damaged_; }
  const std::vector<Elf64_Phdr>& segments() const { return segments_; }
  const std::vector<Elf64_Shdr>& sections() const { return sections_; }
  // Empty if the name lies outside the string table.
  std::string_view section_name(const Elf64_Shdr& section) const;
  // The first section of that type or name that has contents in the file; null if there is none.
  const Elf64_Shdr* section_of_type(std::uint32_t type) const;
  const Elf64_Shdr* section_named(std::string_view name) const;
  // The section of machine code that holds `address` (in the file's own view), also when a debug
  // file has only its header; null if none does.
  const Elf64_Shdr* code_section(std::uint64_t address) const;
  // First executable segment, null if there is none.
  const Elf64_Phdr* code_segment() const;
  // Lower-case hex, from the note sections, else from the note segments; empty if there is none.
  std::string build_id() const;

  // A NUL-terminated string of at most `max` bytes at `offset` in a string table; one that is
  // longer is cut to `max`. Nothing when it is out of range or not terminated within the table.
  std::optional<std::string> string_at(const Elf64_Shdr& strings, std::uint64_t offset,
                                       std::size_t max) const;

 private:
  explicit ElfFile(const ByteSource& source) : source_(&source) {}
  bool read_segments(const Elf64_Ehdr& header);
  bool read_sections(const Elf64_Ehdr& header);
  bool has_contents(const Elf64_Shdr& section) const;
  std::string build_id_at(std::uint64_t offset, std::uint64_t size, std::uint64_t alignment) const;

  const ByteSource* source_;
  std::vector<Elf64_Phdr> segments_;
  std::vector<Elf64_Shdr> sections_;
  std::vector<std::uint32_t> code_sections_;  // ascending by address
  std::string section_names_;
  bool damaged_ = false;
};

}  // namespace otprof::symbols
