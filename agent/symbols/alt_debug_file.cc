// SPDX-License-Identifier: Apache-2.0
#include "agent/symbols/alt_debug_file.h"

#include <algorithm>

namespace otprof::symbols {
namespace {

constexpr std::size_t kMaxPathBytes = 4096;
constexpr std::size_t kMaxIdBytes = 64;

std::string hex(const std::string& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    text += kDigits[static_cast<unsigned char>(byte) >> 4];
    text += kDigits[static_cast<unsigned char>(byte) & 15U];
  }
  return text;
}

}  // namespace

DebugSections* AltDebugFile::open(const ElfFile& elf, const std::string& debug_root,
                                  ReadBudget& budget) {
  const Elf64_Shdr* const link = elf.section_named(".gnu_debugaltlink");
  const auto path = link != nullptr ? elf.string_at(*link, 0, kMaxPathBytes) : std::nullopt;
  if (!path || link->sh_size <= path->size() + 1) return nullptr;
  std::string bytes(std::min<std::uint64_t>(link->sh_size - path->size() - 1, kMaxIdBytes), '\0');
  if (!elf.source().read(link->sh_offset + path->size() + 1, bytes.data(), bytes.size())) {
    return nullptr;
  }
  const std::string id = hex(bytes);
  const std::string by_id =
      debug_root + "/.build-id/" + id.substr(0, 2) + '/' + id.substr(2) + ".debug";
  for (const std::string& place : {*path, by_id}) {
    if (!place.starts_with('/') || !file_.open(place)) continue;
    elf_ = ElfFile::open(file_, ElfFile::Kind::kObject);
    if (!elf_ || elf_->build_id() != id || !DebugSections::present_in(*elf_)) continue;
    return &sections_.emplace(*elf_, budget);
  }
  return nullptr;
}

}  // namespace otprof::symbols
