// SPDX-License-Identifier: Apache-2.0
#include "agent/symbols/debug_sections.h"

#include <algorithm>
#include <string_view>

namespace otprof::symbols {
namespace {

// By DebugSection.
constexpr std::string_view kNames[kDebugSections] = {
    ".debug_info",   ".debug_abbrev",   ".debug_line", ".debug_str",         ".debug_line_str",
    ".debug_ranges", ".debug_rnglists", ".debug_addr", ".debug_str_offsets", ".debug_aranges"};
constexpr std::uint32_t kZstd = 2;  // ELFCOMPRESS_ZSTD, not in older headers

bool has_contents(const Elf64_Shdr& section) {
  return section.sh_type != SHT_NULL && section.sh_type != SHT_NOBITS && section.sh_size != 0;
}

}  // namespace

bool DebugSections::present_in(const ElfFile& elf) {
  return std::ranges::any_of(elf.sections(), [&](const Elf64_Shdr& section) {
    return has_contents(section) && elf.section_name(section) == kNames[0];
  });
}

DebugSections::DebugSections(const ElfFile& elf, ReadBudget& budget) : elf_(elf), budget_(budget) {
  for (const Elf64_Shdr& header : elf.sections()) {
    if (!has_contents(header)) continue;
    const auto* const name = std::ranges::find(kNames, elf.section_name(header));
    if (name == std::end(kNames)) continue;
    Section& section = sections_[static_cast<std::size_t>(name - kNames)];
    if (section.size == 0) add(header, section);
  }
}

DebugSections::~DebugSections() = default;

void DebugSections::add(const Elf64_Shdr& header, Section& section) {
  section.offset = header.sh_offset;
  section.size = header.sh_size;
  if ((header.sh_flags & SHF_COMPRESSED) == 0) return;
  section = {};
  Elf64_Chdr compression;
  if (header.sh_size < sizeof compression ||
      !elf_.source().read(header.sh_offset, &compression, sizeof compression)) {
    trouble_ = DebugTrouble::kDamaged;
  } else if (compression.ch_type != ELFCOMPRESS_ZLIB) {
    trouble_ = compression.ch_type == kZstd ? DebugTrouble::kZstd : DebugTrouble::kDamaged;
  } else {
    section.size = compression.ch_size;
    section.inflated = std::make_unique<InflatedSection>(
        elf_.source(), header.sh_offset + sizeof compression, header.sh_size - sizeof compression,
        compression.ch_size, pieces_);
  }
}

bool DebugSections::read(DebugSection id, std::uint64_t offset, void* to, std::size_t size) {
  Section& section = sections_[index(id)];
  if (offset > section.size || size > section.size - offset ||
      !budget_.take(ReadBudget::kRead + size)) {
    return false;
  }
  if (section.inflated == nullptr) return elf_.source().read(section.offset + offset, to, size);
  if (section.inflated->read(offset, to, size, budget_)) return true;
  if (!budget_.spent()) trouble_ = DebugTrouble::kDamaged;
  return false;
}

}  // namespace otprof::symbols
