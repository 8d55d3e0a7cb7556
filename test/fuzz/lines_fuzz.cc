// SPDX-License-Identifier: Apache-2.0
//
// Damages the debug information of a small real library in thousands of ways and looks for the lines
// of all its code in what is left: no offset, size, form or reference of DWARF is believed, and the
// work is bounded. As symbols_fuzz.cc, worth most under -Db_sanitize=address,undefined.
//   lines_fuzz MUTANTS LIBRARY...
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>

#include "agent/symbols/source_lines.h"
#include "test/fuzz/mutator.h"

namespace otprof::symbols::test {
namespace {

// What an honest library of this size needs, many times over; a mutant that asks for more is cut off.
constexpr std::uint64_t kBudget = 4 << 20;

struct Reach {
  unsigned opened = 0;
  unsigned lines = 0;
  unsigned inlined = 0;
  unsigned damaged = 0;
  unsigned spent = 0;
};

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "lines_fuzz: %s\n", what);
  std::abort();
}

std::vector<std::uint64_t> addresses_over(const ElfFile& elf) {
  std::vector<std::uint64_t> addresses = {0, 1, UINT64_MAX};
  for (const Elf64_Shdr& section : elf.sections()) {
    if ((section.sh_flags & SHF_EXECINSTR) == 0) continue;
    const std::uint64_t step = std::max<std::uint64_t>(section.sh_size / 128, 1);
    for (std::uint64_t i = 0; i < 128; ++i) addresses.push_back(section.sh_addr + i * step);
  }
  std::ranges::sort(addresses);
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  return addresses;
}

void look_up_everything(const std::string& bytes, Reach& reach) {
  const BytesSource source(bytes);
  const auto elf = ElfFile::open(source);
  if (!elf || !DebugSections::present_in(*elf)) return;
  ++reach.opened;
  const std::vector<std::uint64_t> addresses = addresses_over(*elf);
  ReadBudget budget(kBudget);
  std::vector<bool> told(addresses.size());
  const SourceResult result = find_source_lines(
      *elf, "/none", budget, addresses,
      [&](std::size_t index, std::span<const SourceFrame> frames) {
        require(index < addresses.size() && !told[index], "an address is told twice");
        told[index] = true;
        require(!frames.empty() && frames.size() <= kMaxInlineFrames, "number of frames");
        for (const SourceFrame& frame : frames) {
          require(frame.file.size() <= 1024 && frame.function.size() <= 1025, "length of a text");
          require(&frame == &frames.back() || !frame.function.empty(),
                  "an inlined call of nothing");
        }
        ++reach.lines;
        reach.inlined += frames.size() > 1 ? 1 : 0;
      });
  reach.damaged += result.damaged || result.trouble != DebugTrouble::kNone ? 1 : 0;
  reach.spent += result.spent ? 1 : 0;
}

void run(const char* path, unsigned mutants) {
  std::ifstream file(path, std::ios::binary);
  const std::string original((std::istreambuf_iterator<char>(file)), {});
  Reach whole;
  look_up_everything(original, whole);
  require(whole.inlined > 0 && whole.damaged == 0 && whole.spent == 0,
          "the library is not as it should be to begin with");
  Mutator mutator(
      original,
      [](const ElfFile& elf, const Elf64_Shdr& section) {
        return elf.section_name(section).starts_with(".debug_");
      },
      false);
  Reach reach;
  const std::clock_t began = std::clock();
  for (unsigned i = 0; i < mutants; ++i) look_up_everything(mutator.next(), reach);
  std::printf(
      "%s: %u mutants, %u opened, %u lines, %u inlined, %u damaged, %u cut off, %.1f ms each\n",
      path, mutants, reach.opened, reach.lines, reach.inlined, reach.damaged, reach.spent,
      1e3 * static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC / mutants);
  require(reach.opened > mutants / 2 && reach.lines > mutants,
          "too few mutants got past the headers");
}

}  // namespace
}  // namespace otprof::symbols::test

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: lines_fuzz MUTANTS LIBRARY...\n");
    return 2;
  }
  for (int i = 2; i < argc; ++i) {
    otprof::symbols::test::run(argv[i], static_cast<unsigned>(std::atoi(argv[1])));
  }
  return 0;
}
