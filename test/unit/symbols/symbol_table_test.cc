// SPDX-License-Identifier: Apache-2.0
#include "agent/symbols/symbol_table.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>

#include "test/unit/symbols/elf_image.h"

namespace otprof::symbols::test {
namespace {

// The name at one address; "malformed" when the table was refused and did not answer.
std::string name_at(const ElfImage& image, std::uint64_t address) {
  const BytesSource source(image.bytes());
  const auto elf = ElfFile::open(source);
  REQUIRE(elf);
  AddressQuery query{address, {}};
  const bool sane = find_symbols(*elf, elf->sections()[ElfImage::kTable], {&query, 1});
  if (query.found) return query.found->name;
  return sane ? "" : "malformed";
}

TEST_CASE("a sized function covers its bytes and nothing else") {
  ElfImage image;
  image.add("f", 0x1100, 0x10);
  CHECK(name_at(image, 0x10FF).empty());
  CHECK(name_at(image, 0x1100) == "f");
  CHECK(name_at(image, 0x110F) == "f");
  CHECK(name_at(image, 0x1110).empty());
}

TEST_CASE("what is not a function in a section of code names nothing") {
  ElfImage image;
  image.add("object", 0x1100, 0x10, STT_OBJECT);
  image.add("section", 0x1100, 0x10, STT_SECTION);
  image.add("file", 0x1100, 0x10, STT_FILE, STB_LOCAL);
  image.add("tls", 0x1100, 0x10, STT_TLS);
  image.add("undefined", 0x1100, 0x10, STT_FUNC, STB_GLOBAL, SHN_UNDEF);
  image.add("absolute", 0x1100, 0x10, STT_FUNC, STB_GLOBAL, SHN_ABS);
  image.add("common", 0x1100, 0x10, STT_FUNC, STB_GLOBAL, SHN_COMMON);
  image.add("data", 0x5100, 0x10, STT_FUNC, STB_GLOBAL, ElfImage::kData);
  CHECK(name_at(image, 0x1100).empty());
  CHECK(name_at(image, 0x5100).empty());
  image.add("ifunc", 0x1100, 0x10, STT_GNU_IFUNC);
  CHECK(name_at(image, 0x1108) == "ifunc");
}

TEST_CASE("a section index that tools left stale does not matter") {
  ElfImage image;
  image.add("no_section", 0x1100, 0x10, STT_FUNC, STB_GLOBAL, 99);
  image.add("other_section", 0x1200, 0x10, STT_FUNC, STB_GLOBAL, ElfImage::kMore);
  CHECK(name_at(image, 0x1100) == "no_section");
  CHECK(name_at(image, 0x1200) == "other_section");
}

TEST_CASE("a size that runs out of the section is cut there") {
  ElfImage image;
  image.add("huge", 0x1F00, UINT64_MAX);
  CHECK(name_at(image, 0x1FFF) == "huge");
  CHECK(name_at(image, 0x2000).empty());
  CHECK(name_at(image, 0x3000).empty());
}

TEST_CASE("the innermost function answers") {
  ElfImage image;
  image.add("outer", 0x1000, 0x100).add("inner", 0x1040, 0x10);
  CHECK(name_at(image, 0x103F) == "outer");
  CHECK(name_at(image, 0x1040) == "inner");
  CHECK(name_at(image, 0x1050) == "outer");
}

TEST_CASE("a function wins over an untyped label with a size, wherever that starts") {
  ElfImage image;
  image.add("label", 0x1010, 0x10, STT_NOTYPE).add("function", 0x1000, 0x100);
  CHECK(name_at(image, 0x1018) == "function");
  ElfImage alone;
  alone.add("label", 0x1010, 0x10, STT_NOTYPE);
  CHECK(name_at(alone, 0x1018) == "label");
}

TEST_CASE("a label covers what follows up to the next symbol of its section") {
  ElfImage image;
  image.add("first", 0x1100, 0, STT_NOTYPE).add("second", 0x1200, 0, STT_FUNC);
  image.add("sized", 0x1300, 0x10);
  image.add("elsewhere", 0x3000, 0, STT_NOTYPE, STB_GLOBAL, ElfImage::kMore);
  CHECK(name_at(image, 0x10FF).empty());
  CHECK(name_at(image, 0x1100) == "first");
  CHECK(name_at(image, 0x11FF) == "first");
  CHECK(name_at(image, 0x1200) == "second");
  CHECK(name_at(image, 0x12FF) == "second");
  CHECK(name_at(image, 0x1308) == "sized");
  CHECK(name_at(image, 0x1310).empty());
  CHECK(name_at(image, 0x1FFF).empty());
  CHECK(name_at(image, 0x3FFF) == "elsewhere");
}

TEST_CASE("a label does not reach into the next section, though adjacent") {
  ElfImage image;
  image.sections[ElfImage::kMore].sh_addr = 0x2000;
  image.add("label", 0x1F00, 0, STT_NOTYPE);
  CHECK(name_at(image, 0x1FFF) == "label");
  CHECK(name_at(image, 0x2000).empty());
}

TEST_CASE("addresses are kept apart when they are asked together") {
  ElfImage image;
  image.sections[ElfImage::kMore].sh_addr = 0x2000;
  // Later labels first: the order in a table means nothing.
  image.add("second", 0x1200, 0, STT_NOTYPE).add("first", 0x1100, 0, STT_NOTYPE);
  image.add("sized", 0x1300, 0x10).add("third", 0x1400, 0, STT_NOTYPE);
  const BytesSource source(image.bytes());
  const auto elf = ElfFile::open(source);
  REQUIRE(elf);
  std::vector<AddressQuery> queries;
  for (const std::uint64_t address : {0x1000, 0x1180, 0x1280, 0x1308, 0x1380, 0x1FFF, 0x2000}) {
    queries.push_back({address, {}});
  }
  REQUIRE(find_symbols(*elf, elf->sections()[ElfImage::kTable], queries));
  std::string names;
  for (const AddressQuery& query : queries) names += (query.found ? query.found->name : "-") + ' ';
  CHECK(names == "- first second sized - third - ");
  CHECK(name_at(image, 0x1280) == "second");
}

TEST_CASE("a label inside a function does not outlive it") {
  ElfImage image;
  image.add("function", 0x1100, 0x100).add("label", 0x1180, 0, STT_NOTYPE);
  CHECK(name_at(image, 0x1190) == "function");
  CHECK(name_at(image, 0x1200).empty());
}

TEST_CASE("a label at the start of a function gives way to it") {
  ElfImage image;
  image.add("label", 0x1100, 0, STT_NOTYPE).add("function", 0x1100, 0x10);
  CHECK(name_at(image, 0x1100) == "function");
  CHECK(name_at(image, 0x1110).empty());
}

TEST_CASE("labels of tools are no names") {
  ElfImage image;
  image.add(".annobin_x.c", 0x1100, 0, STT_NOTYPE, STB_LOCAL);
  CHECK(name_at(image, 0x1100).empty());
  image.add("label", 0x1100, 0, STT_NOTYPE, STB_LOCAL);
  CHECK(name_at(image, 0x1100) == "label");
}

TEST_CASE("labels are not believed in .dynsym") {
  ElfImage image;
  image.add("label", 0x1100, 0, STT_NOTYPE).add("function", 0x1000, 0x10);
  image.sections[ElfImage::kTable].sh_type = SHT_DYNSYM;
  CHECK(name_at(image, 0x1100).empty());
  CHECK(name_at(image, 0x1000) == "function");
}

TEST_CASE("of several names the best answers, in whatever order they come") {
  const std::vector<std::pair<std::string, unsigned char>> names = {{"__libc_malloc", STB_GLOBAL},
                                                                    {"malloc", STB_GLOBAL},
                                                                    {"m", STB_LOCAL},
                                                                    {"__malloc", STB_LOCAL},
                                                                    {"malloc2", STB_WEAK}};
  std::vector<std::size_t> order = {0, 1, 2, 3, 4};
  do {
    ElfImage image;
    for (const std::size_t i : order) {
      image.add(names[i].first, 0x1100, 0x10, STT_FUNC, names[i].second);
    }
    REQUIRE(name_at(image, 0x1104) == "malloc");
    ElfImage labels;
    for (const std::size_t i : order) {
      labels.add(names[i].first, 0x1100, 0, STT_NOTYPE, names[i].second);
    }
    REQUIRE(name_at(labels, 0x1104) == "malloc");
  } while (std::ranges::next_permutation(order).found);
}

TEST_CASE("answers that are there already stay") {
  ElfImage image;
  image.add("f", 0x1100, 0x10);
  const BytesSource source(image.bytes());
  const auto elf = ElfFile::open(source);
  REQUIRE(elf);
  std::vector<AddressQuery> queries = {{0x1100, NamedStart{"before", 1}}, {0x1101, {}}};
  CHECK(find_symbols(*elf, elf->sections()[ElfImage::kTable], queries));
  CHECK(queries[0].found->name == "before");
  CHECK(queries[1].found->name == "f");
  CHECK(queries[1].found->start == 0x1100);
}

TEST_CASE("damaged tables answer nothing that they cannot prove") {
  ElfImage image;
  image.add("f", 0x1100, 0x10);
  SECTION("size of an entry") {
    image.sections[ElfImage::kTable].sh_entsize = 16;
    CHECK(name_at(image, 0x1100) == "malformed");
  }
  SECTION("link out of range") {
    image.sections[ElfImage::kTable].sh_link = 99;
    CHECK(name_at(image, 0x1100) == "malformed");
  }
  SECTION("link to something else") {
    image.sections[ElfImage::kTable].sh_link = ElfImage::kData;
    CHECK(name_at(image, 0x1100) == "malformed");
  }
  SECTION("name out of range") {
    image.symbols[1].st_name = 0x7FFFFFFF;
    CHECK(name_at(image, 0x1100).empty());
  }
  SECTION("name without end") {
    image.strings.pop_back();
    CHECK(name_at(image, 0x1100).empty());
  }
  SECTION("no name") {
    image.symbols[1].st_name = 0;
    CHECK(name_at(image, 0x1100).empty());
  }
  SECTION("table outside the file: no table") {
    image.sections[ElfImage::kTable].sh_offset = 1 << 20;
    const BytesSource source(image.bytes());
    const auto elf = ElfFile::open(source);
    REQUIRE(elf);
    CHECK(elf->damaged());
    CHECK(elf->section_of_type(SHT_SYMTAB) == nullptr);
  }
  SECTION("half an entry at the end is not read") {
    image.sections[ElfImage::kTable].sh_size = 2 * sizeof(Elf64_Sym) + 7;
    CHECK(name_at(image, 0x1100) == "f");
  }
}

TEST_CASE("a long name is cut") {
  ElfImage image;
  const std::string name(5000, 'x');
  image.add(name, 0x1100, 0x10);
  CHECK(name_at(image, 0x1100) == name.substr(0, kMaxNameBytes + 1));
}

TEST_CASE("a table made to keep us busy is given up") {
  // 20,000 symbols that each cover all of 2,000 addresses: 40 million steps.
  ElfImage image;
  for (int i = 0; i < 20000; ++i) image.add("f", 0x1000, 0x1000);
  const BytesSource source(image.bytes());
  const auto elf = ElfFile::open(source);
  REQUIRE(elf);
  std::vector<AddressQuery> queries;
  for (std::uint64_t i = 0; i < 2000; ++i) queries.push_back({0x1000 + i, {}});
  CHECK_FALSE(find_symbols(*elf, elf->sections()[ElfImage::kTable], queries));
}

TEST_CASE("a table of names for one address does not have them all read") {
  for (const std::uint64_t size : {0, 16}) {
    ElfImage image;
    for (int i = 0; i < 50000; ++i) image.add("f" + std::to_string(i), 0x1000, size);
    const BytesSource source(image.bytes());
    const auto elf = ElfFile::open(source);
    REQUIRE(elf);
    AddressQuery query{0x1000, {}};
    const std::size_t before = source.reads();
    find_symbols(*elf, elf->sections()[ElfImage::kTable], {&query, 1});
    CHECK(source.reads() - before < 5000);
    CHECK(query.found);
  }
}

TEST_CASE("headers that are wrong are refused") {
  ElfImage image;
  image.add("f", 0x1100, 0x10);
  const auto opens = [&] {
    const BytesSource source(image.bytes());
    return ElfFile::open(source).has_value();
  };
  CHECK(opens());
  SECTION("magic") { image.header.e_ident[0] = 'e'; }
  SECTION("32 bit") { image.header.e_ident[EI_CLASS] = ELFCLASS32; }
  SECTION("big endian") { image.header.e_ident[EI_DATA] = ELFDATA2MSB; }
  SECTION("machine") { image.header.e_machine = EM_386; }
  SECTION("object file") { image.header.e_type = ET_REL; }
  SECTION("core file") { image.header.e_type = ET_CORE; }
  SECTION("size of a segment header") { image.header.e_phentsize = 32; }
  SECTION("segments outside the file") { image.header.e_phoff = UINT64_MAX - 8; }
  SECTION("number of segments") { image.header.e_phnum = PN_XNUM; }
  SECTION("size of a section header") { image.header.e_shentsize = 40; }
  SECTION("sections outside the file") { image.header.e_shoff = UINT64_MAX - 8; }
  SECTION("more sections than the file holds") { image.header.e_shnum = 4000; }
  SECTION("more sections than any linked file has") {
    image.sections.resize(20000);
    image.header.e_shnum = 20000;
  }
  SECTION("a count of sections beyond belief") {
    image.header.e_shnum = 0;
    image.sections[0].sh_size = UINT64_MAX / 64;
  }
  CHECK_FALSE(opens());
}

TEST_CASE("headers that are merely poor are accepted") {
  ElfImage image;
  image.add("f", 0x1100, 0x10);
  SECTION("no section names") {
    image.header.e_shstrndx = SHN_UNDEF;
    CHECK(name_at(image, 0x1100) == "f");
  }
  SECTION("section names that are elsewhere") {
    image.header.e_shstrndx = 60000;
    CHECK(name_at(image, 0x1100) == "f");
  }
  SECTION("section names by way of the first section") {
    image.header.e_shstrndx = SHN_XINDEX;
    image.sections[0].sh_link = ElfImage::kSectionNames;
    CHECK(name_at(image, 0x1100) == "f");
  }
  SECTION("number of sections by way of the first section") {
    image.header.e_shnum = 0;
    image.sections[0].sh_size = ElfImage::kSectionCount;
    CHECK(name_at(image, 0x1100) == "f");
  }
}

}  // namespace
}  // namespace otprof::symbols::test
