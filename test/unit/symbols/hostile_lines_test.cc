// SPDX-License-Identifier: Apache-2.0
//
// Debug information made by hand to cost more than its bytes, or to have an answer misread.
#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "agent/symbols/inflated_section.h"
#include "agent/symbols/kept_texts.h"
#include "agent/symbols/source_lines.h"
#include "test/unit/symbols/elf_image.h"

namespace otprof::symbols::test {
namespace {

std::string number(std::uint64_t value, std::size_t bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

// A DWARF 4 unit with these entries.
std::string unit_of(const std::string& entries, std::uint64_t abbreviations = 0) {
  const std::string rest = number(4, 2) + number(abbreviations, 4) + number(8, 1) + entries;
  return number(rest.size(), 4) + rest;
}

// Code 1: a unit of [low, low + high), with a line program at 0. Behind it, `others`.
std::string abbreviations(const std::string& others = {}) {
  return std::string("\1\x11\1\x11\1\x12\6\x10\x17\0\0", 11) + others + std::string(1, '\0');
}

std::string root(std::uint64_t low, std::uint32_t size) {
  return "\1" + number(low, 8) + number(size, 4) + number(0, 4);
}

// A line program behind these tables of directories and files.
std::string line_program(const std::string& tables, const std::string& program,
                         std::uint16_t version = 4) {
  const std::string header = number(1, 1) + number(1, 1) + number(1, 1) + number(0, 1) +
                             number(1, 1) + number(10, 1) + std::string("\0\1\1\1\1\0\0\0\1", 9) +
                             tables;
  const std::string rest = number(version, 2) + (version == 5 ? number(8, 2) : std::string()) +
                           number(header.size(), 4) + header + program;
  return number(rest.size(), 4) + rest;
}

const std::string kNoTables(2, '\0');

// Line 1 of file 1, 128 bytes long.
std::string one_row_at(std::uint64_t address) {
  return std::string("\0\x09\2", 3) + number(address, 8) + "\1\2\x80\1" + std::string("\0\1\1", 3);
}

struct Told {
  SourceResult result;
  std::uint64_t cost = 0;
  std::vector<std::string> files;  // of the innermost frames
};

Told look_up(const ElfImage& image, std::vector<std::uint64_t> addresses,
             std::uint64_t limit = 64 << 20) {
  const BytesSource source(image.bytes());
  const auto elf = ElfFile::open(source);
  REQUIRE(elf);
  ReadBudget budget(limit);
  Told told;
  told.result = find_source_lines(*elf, "/none", budget, addresses,
                                  [&](std::size_t, std::span<const SourceFrame> frames) {
                                    if (frames.empty()) return;
                                    told.files.emplace_back(frames.front().file);
                                  });
  told.cost = limit - budget.left();
  return told;
}

TEST_CASE("attributes that take no bytes are charged") {
  constexpr std::size_t kAttributes = 10000;
  constexpr std::size_t kEntries = 2000;
  std::string attributes;
  for (std::size_t i = 0; i < kAttributes; ++i) attributes += "\3\x19";  // a name that is a flag
  const std::string variable = "\2\x34" + std::string(1, '\0') + attributes + std::string(2, '\0');
  ElfImage image;
  image.add_section(".debug_abbrev", abbreviations(variable))
      .add_section(".debug_info", unit_of(root(0x1000, 0x100) + std::string(kEntries, '\2')))
      .add_section(".debug_line", line_program(kNoTables, {}));
  CHECK(look_up(image, {0x1010}, std::uint64_t{1} << 40).cost > kAttributes * kEntries);
  CHECK(look_up(image, {0x1010}, 1 << 20).result.spent);
}

TEST_CASE("sequences of lines that hold nothing are charged") {
  constexpr std::size_t kSequences = 10000;
  std::string program;
  for (std::size_t i = 0; i < kSequences; ++i) program += std::string("\0\1\1", 3);
  ElfImage image;
  image.add_section(".debug_abbrev", abbreviations())
      .add_section(".debug_info", unit_of(root(0x1000, 0x100)))
      .add_section(".debug_line", line_program(kNoTables, program));
  CHECK(look_up(image, {0x1010}).cost > program.size() + 7 * kSequences);
}

TEST_CASE("a compressed stream of empty blocks is charged") {
  // Stored blocks of no bytes: none is the last.
  constexpr std::size_t kBlocks = 200000;
  std::string stream = "\x78\x01";
  for (std::size_t i = 0; i < kBlocks; ++i) stream += std::string("\0\0\0\xff\xff", 5);
  const BytesSource source(stream);
  InflatedPieces pieces;
  InflatedSection section(source, 0, stream.size(), 100, pieces);
  ReadBudget budget(std::uint64_t{1} << 40);
  char byte = 0;
  CHECK_FALSE(section.read(0, &byte, 1, budget));
  CHECK((std::uint64_t{1} << 40) - budget.left() > stream.size() + 256 * kBlocks);
  ReadBudget small(1 << 20);
  CHECK_FALSE(section.read(0, &byte, 1, small));
  CHECK(small.spent());
}

std::string aranges_of(std::uint32_t unit, std::uint64_t start, std::uint64_t size) {
  const std::string rest = number(2, 2) + number(unit, 4) + number(8, 1) + number(0, 1) +
                           number(0, 4) + number(start, 8) + number(size, 8) + number(0, 8) +
                           number(0, 8);
  return number(rest.size(), 4) + rest;
}

TEST_CASE("an address of no unit does not take the lines from the others of a large file") {
  constexpr std::size_t kUnits = 4000;
  const bool has_aranges = GENERATE(true, false);
  INFO(has_aranges);
  std::string info = unit_of(root(0x1000, 0x100));
  std::string aranges = aranges_of(0, 0x1000, 0x100);
  for (std::size_t i = 0; i < kUnits; ++i) {
    if (i % 2 == 0) aranges += aranges_of(static_cast<std::uint32_t>(info.size()), 0x3000, 0x10);
    info += unit_of(root(0x3000, 0x10));
  }
  ElfImage image;
  image.add_section(".debug_abbrev", abbreviations())
      .add_section(".debug_info", info)
      .add_section(".debug_line",
                   line_program(std::string("\0a.c\0\0\0\0\0", 9), one_row_at(0x1000)));
  if (has_aranges) image.add_section(".debug_aranges", aranges);
  // Enough for some units, not for all.
  const Told told = look_up(image, {0x1010, 0x1fff}, kUnits * 100);
  CHECK(told.result.found == 1);
  CHECK(told.result.spent);
  // Alone, it costs no more either.
  CHECK(look_up(image, {0x1fff}, kUnits * 100).result.spent);
}

TEST_CASE("what .debug_aranges tells is read before the rest is searched") {
  constexpr std::size_t kUnits = 4000;
  std::string info = unit_of(root(0x1000, 0x100));
  for (std::size_t i = 0; i < kUnits; ++i) info += unit_of(root(0x3000, 0x10));
  std::string program = one_row_at(0x1000);
  for (std::size_t i = 0; i < kUnits * 30; ++i) program += std::string("\3\0", 2);
  ElfImage image;
  image.add_section(".debug_abbrev", abbreviations())
      .add_section(".debug_info", info)
      .add_section(".debug_aranges", aranges_of(0, 0x1000, 0x100))
      .add_section(".debug_line", line_program(std::string("\0a.c\0\0\0\0\0", 9), program));
  // The unit takes more than half of it.
  const Told told = look_up(image, {0x1010, 0x1fff}, kUnits * 100);
  CHECK(told.result.found == 1);
  CHECK(told.result.spent);
}

TEST_CASE("units that are in .debug_aranges are not searched again") {
  constexpr std::size_t kUnits = 1000;
  std::string info;
  std::string aranges;
  for (std::size_t i = 0; i < kUnits; ++i) {
    aranges += aranges_of(static_cast<std::uint32_t>(info.size()), 0x3000, 0x10);
    info += unit_of(root(0x3000, 0x10), i % 2 * abbreviations().size());
  }
  ElfImage image;
  image.add_section(".debug_abbrev", abbreviations() + abbreviations())
      .add_section(".debug_info", info);
  const std::uint64_t searched = look_up(image, {0x1010}).cost;
  image.add_section(".debug_aranges", aranges);
  const std::uint64_t listed = look_up(image, {0x1010}).cost;
  CHECK(listed < searched - kUnits * 100);
}

TEST_CASE("a file stays relative where the directory of the compiler has no name") {
  ElfImage image;
  image.add_section(".debug_abbrev", abbreviations())
      .add_section(".debug_info", unit_of(root(0x1000, 0x100)))
      .add_section(".debug_line",
                   line_program(std::string("src\0\0a.c\0\1\0\0\0", 13), one_row_at(0x1000)));
  CHECK(look_up(image, {0x1010}).files == std::vector<std::string>{"src/a.c"});
}

TEST_CASE("files behind a very long table of directories have their own names") {
  constexpr std::size_t kDirectories = 40000;
  const bool is_new = GENERATE(false, true);
  INFO(is_new);
  std::string tables;
  for (std::size_t i = 0; i < kDirectories; ++i) tables += std::string("d\0", 2);
  if (is_new) {  // DWARF 5: a column of names, as they are in .debug_line
    tables = std::string("\1\1\x08\xc0\xb8\2", 6) + tables + std::string("\1\1\x08\2x\0a.c\0", 10);
  } else {
    tables += std::string("\0a.c\0\0\0\0\0", 9);
  }
  ElfImage image;
  image.add_section(".debug_abbrev", abbreviations())
      .add_section(".debug_info", unit_of(root(0x1000, 0x100)))
      .add_section(".debug_line", line_program(tables, one_row_at(0x1000), is_new ? 5 : 4));
  const auto files = look_up(image, {0x1010}).files;
  CHECK(files == std::vector<std::string>{is_new ? "d/a.c" : "a.c"});
}

TEST_CASE("names and paths that are kept are bounded") {
  KeptTexts texts;
  const std::string& first = texts.add(7, "seven");
  texts.make_room();
  CHECK(texts.find(7) == &first);
  CHECK(texts.find(8) == nullptr);
  std::size_t most = 0;
  for (std::uint64_t i = 8; i < 20000; ++i) {
    texts.make_room();
    texts.add(i, std::string(1025, 'x'));
    most = std::max(most, texts.memory_bytes());
  }
  CHECK(most > KeptTexts::kMaxBytes);
  CHECK(most < KeptTexts::kMaxBytes + 2000);
  CHECK(texts.find(7) == nullptr);
}

TEST_CASE("sections of code are found in whatever order they are") {
  ElfImage image;
  std::swap(image.sections[ElfImage::kText].sh_addr, image.sections[ElfImage::kMore].sh_addr);
  image.add_section(".empty", {});
  image.sections.back().sh_flags = SHF_EXECINSTR;
  image.sections.back().sh_addr = 0x1800;
  const BytesSource source(image.bytes());
  const auto elf = ElfFile::open(source);
  REQUIRE(elf);
  const auto index = [&](std::uint64_t address) {
    const Elf64_Shdr* const section = elf->code_section(address);
    return section != nullptr ? section - elf->sections().data() : 0;
  };
  CHECK(index(0xfff) == 0);
  CHECK(index(0x1000) == ElfImage::kMore);
  CHECK(index(0x1fff) == ElfImage::kMore);
  CHECK(index(0x2000) == 0);
  CHECK(index(0x3000) == ElfImage::kText);
  CHECK(index(0x3fff) == ElfImage::kText);
  CHECK(index(0x4000) == 0);
  CHECK(index(0x5000) == 0);
  CHECK(index(UINT64_MAX) == 0);
}

}  // namespace
}  // namespace otprof::symbols::test
