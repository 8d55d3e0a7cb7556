// SPDX-License-Identifier: Apache-2.0
//
// The DWARF sections of one ELF file, read piece by piece with pread: a file may have gigabytes of
// them, and none is ever held whole. Those compressed with zlib are inflated piece by piece.
//
// Promises: a read outside a section is refused, never a fault; every byte read, and all work that
// is not in proportion to bytes, is charged to a budget that bounds what one look-up may cost,
// whatever the file says. Background thread only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "agent/symbols/elf_file.h"
#include "agent/symbols/inflated_section.h"

namespace otprof::symbols {

enum class DebugSection : std::uint8_t {
  kInfo,
  kAbbrev,
  kLine,
  kStr,
  kLineStr,
  kRanges,    // DWARF 4
  kRngLists,  // DWARF 5
  kAddr,
  kStrOffsets,
  kAranges,
};
inline constexpr std::size_t kDebugSections = 10;

// What one look-up may still cost, in bytes read or steps that take as long. A corrupt file can
// demand work without end; what is honest and large is done in several look-ups.
class ReadBudget {
 public:
  // What takes longer than its bytes do: a read, which is a system call; an entry, however few bytes
  // it has; a search among addresses and sections.
  static constexpr std::uint64_t kRead = 64;
  static constexpr std::uint64_t kEntry = 8;
  static constexpr std::uint64_t kSearch = 8;

  explicit ReadBudget(std::uint64_t limit) : limit_(limit), left_(limit) {}
  bool take(std::uint64_t amount) {
    if (amount > left_) left_ = 0;
    if (left_ == 0) return false;
    left_ -= amount;
    return true;
  }
  bool untouched() const { return left_ == limit_; }
  bool spent() const { return left_ == 0; }
  std::uint64_t left() const { return left_; }
  std::uint64_t limit() const { return limit_; }

 private:
  std::uint64_t limit_;
  std::uint64_t left_;
};

// Why something that is there cannot be read.
enum class DebugTrouble : std::uint8_t { kNone, kZstd, kDamaged, kNoAltFile, kTooLarge };

class DebugSections {
 public:
  // Whether there is .debug_info with contents, compressed or not.
  static bool present_in(const ElfFile& elf);

  // Both must outlive the object.
  DebugSections(const ElfFile& elf, ReadBudget& budget);
  ~DebugSections();

  const ElfFile& elf() const { return elf_; }
  ReadBudget& budget() const { return budget_; }
  // Uncompressed; 0 if there is none.
  std::uint64_t size(DebugSection id) const { return sections_[index(id)].size; }
  // All `size` bytes at `offset` or false.
  bool read(DebugSection id, std::uint64_t offset, void* to, std::size_t size);
  DebugTrouble trouble() const { return trouble_; }
  // Those of the file to which dwz has moved some of this one's (alt_debug_file.h). Null is trouble
  // once somebody asks for it.
  void set_alt(DebugSections* alt) { alt_ = alt; }
  DebugSections* alt() {
    if (alt_ == nullptr) trouble_ = DebugTrouble::kNoAltFile;
    return alt_;
  }

 private:
  struct Section {
    std::uint64_t offset = 0;  // in the file, of the contents
    std::uint64_t size = 0;
    std::unique_ptr<InflatedSection> inflated;  // null if it is not compressed
  };
  static std::size_t index(DebugSection id) { return static_cast<std::size_t>(id); }
  void add(const Elf64_Shdr& header, Section& section);

  const ElfFile& elf_;
  ReadBudget& budget_;
  InflatedPieces pieces_;
  std::array<Section, kDebugSections> sections_;
  DebugSections* alt_ = nullptr;
  DebugTrouble trouble_ = DebugTrouble::kNone;
};

}  // namespace otprof::symbols
