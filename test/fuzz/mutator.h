// SPDX-License-Identifier: Apache-2.0
//
// Damages an ELF file in ways that are worth trying: at the places that a reader interprets, with
// values that break careless arithmetic. The seed is fixed: a failure can be repeated.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "agent/symbols/elf_file.h"
#include "test/unit/symbols/elf_image.h"

namespace otprof::symbols::test {

class Mutator {
 public:
  // `is_read`: whether a section is interpreted. `headers`: whether the file's own are damaged, too.
  Mutator(std::string original,
          const std::function<bool(const ElfFile&, const Elf64_Shdr&)>& is_read, bool headers)
      : original_(std::move(original)), random_(20240601) {
    const BytesSource source(original_);
    const auto elf = ElfFile::open(source);
    Elf64_Ehdr header;
    std::memcpy(&header, original_.data(), sizeof header);
    if (headers) {
      targets_.push_back({0, sizeof header});
      targets_.push_back({header.e_phoff, header.e_phnum * sizeof(Elf64_Phdr)});
      targets_.push_back({header.e_shoff, header.e_shnum * sizeof(Elf64_Shdr)});
    }
    if (!elf) return;
    for (const Elf64_Shdr& section : elf->sections()) {
      if (is_read(*elf, section) && section.sh_size >= 8) {
        targets_.push_back({section.sh_offset, section.sh_size});
      }
    }
  }

  std::string next() {
    std::string mutant = original_;
    for (std::uint64_t changes = 1 + pick(8); changes > 0; --changes) {
      const Range& range = targets_[pick(targets_.size())];
      const std::size_t width = std::size_t{1} << pick(4);
      const std::uint64_t value = interesting(mutant.size());
      const std::size_t at = range.offset + pick(range.size / width) * width;
      if (at + width <= mutant.size()) std::memcpy(mutant.data() + at, &value, width);
    }
    if (pick(16) == 0) mutant.resize(pick(mutant.size()));
    return mutant;
  }

 private:
  struct Range {
    std::size_t offset;
    std::size_t size;
  };

  std::uint64_t pick(std::uint64_t below) { return random_() % std::max<std::uint64_t>(below, 1); }

  std::uint64_t interesting(std::uint64_t file_size) {
    switch (pick(8)) {
      case 0: return 0;
      case 1: return UINT64_MAX - pick(64);
      case 2: return INT64_MAX - pick(64);
      case 3: return std::uint64_t{1} << pick(64);
      case 4: return file_size - pick(64);
      case 5: return pick(64);
      case 6: return pick(file_size);
      default: return random_();
    }
  }

  std::string original_;
  std::vector<Range> targets_;
  std::mt19937_64 random_;
};

}  // namespace otprof::symbols::test
