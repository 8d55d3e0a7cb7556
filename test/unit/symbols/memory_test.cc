// SPDX-License-Identifier: Apache-2.0
//
// What is learned from this process's memory: reads that cannot fault, mappings, ranges of modules,
// build ids out of notes.
#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <memory>
#include <numeric>

#include "agent/symbols/build_id.h"
#include "agent/symbols/module_ranges.h"
#include "agent/symbols/process_maps.h"
#include "agent/symbols/process_memory.h"
#include "test/unit/symbols/support.h"

namespace otprof::symbols::test {
namespace {

std::uintptr_t address_of(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

TEST_CASE("memory is read whatever its alignment and length") {
  std::vector<unsigned char> memory(100000);
  std::iota(memory.begin(), memory.end(), static_cast<unsigned char>(0));
  const ProcessMemory reader;
  REQUIRE(reader.usable());
  for (const std::size_t offset : {0, 1, 4095, 4097}) {
    for (const std::size_t size : {0, 1, 4095, 4096, 4097, 9000, 80000}) {
      std::vector<unsigned char> copy(size);
      REQUIRE(reader.read(address_of(memory.data()) + offset, copy.data(), size));
      REQUIRE(std::equal(copy.begin(), copy.end(), memory.begin() + static_cast<long>(offset)));
    }
  }
}

TEST_CASE("memory that is not there is an error, and the next read is right again") {
  constexpr std::size_t kPage = 4096;
  auto* const pages = static_cast<unsigned char*>(
      mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  REQUIRE(pages != MAP_FAILED);
  std::memset(pages, 7, 2 * kPage);
  REQUIRE(mprotect(pages + kPage, kPage, PROT_NONE) == 0);
  const ProcessMemory reader;
  unsigned char copy[2 * kPage] = {};
  CHECK_FALSE(reader.read(address_of(pages), copy, 2 * kPage));
  CHECK_FALSE(reader.read(address_of(pages) + kPage - 1, copy, 2));
  CHECK_FALSE(reader.read(address_of(pages) + kPage, copy, 1));
  CHECK_FALSE(reader.read(0, copy, 1));
  CHECK_FALSE(reader.read(UINTPTR_MAX - 3, copy, 16));
  copy[0] = 0;
  CHECK(reader.read(address_of(pages) + kPage - 1, copy, 1));
  CHECK(copy[0] == 7);
  munmap(pages, 2 * kPage);
}

TEST_CASE("a mapping whose file was truncated is an error") {
  const TempDir dir;
  const std::string path = dir / "file";
  write_file(path, std::string(4096, 'x'));
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(fd >= 0);
  void* const page = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
  close(fd);
  REQUIRE(page != MAP_FAILED);
  const ProcessMemory reader;
  char copy[16];
  CHECK(reader.read(address_of(page), copy, sizeof copy));
  REQUIRE(truncate(path.c_str(), 0) == 0);
  CHECK_FALSE(reader.read(address_of(page), copy, sizeof copy));
  munmap(page, 4096);
}

TEST_CASE("mappings are found by address") {
  const TempDir dir;
  const std::string path = dir / "with\nnewline (deleted) and \\012";
  write_file(path, std::string(3 * 4096, 'x'));
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(fd >= 0);
  void* const pages = mmap(nullptr, 3 * 4096, PROT_READ, MAP_PRIVATE, fd, 0);
  struct stat status;
  REQUIRE(fstat(fd, &status) == 0);
  close(fd);
  REQUIRE(pages != MAP_FAILED);
  const std::uintptr_t start = address_of(pages);
  REQUIRE(munmap(static_cast<char*>(pages) + 4096, 4096) == 0);
  std::vector<MappingQuery> queries(6);
  queries[0].address = 1;
  queries[1].address = start;
  queries[2].address = start + 4095;
  queries[3].address = start + 4096;  // in the hole
  queries[4].address = start + 8192;
  queries[5].address = UINTPTR_MAX;
  REQUIRE(find_mappings(queries));
  for (const std::size_t i : {1U, 2U, 4U}) {
    CHECK(queries[i].inode == status.st_ino);
    // A backslash is not escaped by the kernel: \012 reads as a newline, too.
    CHECK(queries[i].path == dir / "with\nnewline (deleted) and \n");
  }
  for (const std::size_t i : {0U, 3U, 5U}) {
    CHECK(queries[i].inode == 0);
    CHECK(queries[i].path.empty());
  }
  REQUIRE(unlink(path.c_str()) == 0);
  std::vector<MappingQuery> again(1);
  again[0].address = start;
  REQUIRE(find_mappings(again));
  CHECK(again[0].path == queries[1].path);
  munmap(pages, 3 * 4096);
}

TEST_CASE("mappings are found among thousands, with paths of all lengths") {
  const TempDir dir;
  std::vector<void*> pages;
  for (std::size_t length = 1; length <= 200; ++length) {
    const std::string path = dir / std::string(length, 'p');
    write_file(path, "x");
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    REQUIRE(fd >= 0);
    for (int i = 0; i < 5; ++i) {
      pages.push_back(mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, fd, 0));
      REQUIRE(pages.back() != MAP_FAILED);
    }
    close(fd);
  }
  std::vector<MappingQuery> queries;
  for (const void* page : pages) queries.emplace_back().address = address_of(page);
  std::ranges::sort(queries, {}, &MappingQuery::address);
  REQUIRE(find_mappings(queries));
  CHECK(std::ranges::all_of(queries, [&](const MappingQuery& query) {
    return query.path.starts_with(dir.path() + "/p") && query.inode != 0;
  }));
  for (void* page : pages) munmap(page, 4096);
}

TEST_CASE("a line longer than the buffer is skipped, and the ones after it are read") {
  const TempDir dir;
  // Longer than any path that may be named at once: made level by level.
  const int start = open(dir.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int level = start;
  std::vector<int> open_levels = {start};
  for (int i = 0; i < 70; ++i) {
    const std::string name(250, 'd');
    REQUIRE(mkdirat(level, name.c_str(), 0700) == 0);
    level = openat(level, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    REQUIRE(level >= 0);
    open_levels.push_back(level);
  }
  const int deep = openat(level, "deep", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const int plain = openat(start, "plain", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  REQUIRE(deep >= 0);
  REQUIRE(plain >= 0);
  // Neighbours, so that the long line stands between the others.
  constexpr std::size_t kPage = 4096;
  void* const pages = mmap(nullptr, 3 * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(pages != MAP_FAILED);
  std::vector<MappingQuery> queries;
  for (std::size_t i = 0; i < 3; ++i) {
    void* const place = static_cast<char*>(pages) + i * kPage;
    REQUIRE(mmap(place, kPage, PROT_READ, MAP_PRIVATE | MAP_FIXED, i == 1 ? deep : plain, 0) ==
            place);
    queries.emplace_back().address = address_of(place);
  }
  CHECK(find_mappings(queries));
  CHECK(queries[0].path == dir / "plain");
  CHECK(queries[1].path.empty());
  CHECK(queries[2].path == dir / "plain");
  munmap(pages, 3 * kPage);
  REQUIRE(unlinkat(level, "deep", 0) == 0);
  close(deep);
  close(plain);
  while (open_levels.size() > 1) {
    close(open_levels.back());
    open_levels.pop_back();
    unlinkat(open_levels.back(), std::string(250, 'd').c_str(), AT_REMOVEDIR);
  }
  close(start);
}

Elf64_Phdr load(std::uint64_t address, std::uint64_t offset, std::uint64_t size,
                std::uint32_t flags) {
  Elf64_Phdr segment{};
  segment.p_type = PT_LOAD;
  segment.p_flags = flags;
  segment.p_vaddr = address;
  segment.p_offset = offset;
  segment.p_memsz = segment.p_filesz = size;
  return segment;
}

TEST_CASE("the range of a module is that of all its segments") {
  Module module;
  module.bias = 0x10000000;
  const std::vector<Elf64_Phdr> segments = {load(0, 0, 0x800, PF_R),
                                            load(0x1800, 0x800, 0x1000, PF_R | PF_X),
                                            load(0x5000, 0x3000, 0x1234, PF_R | PF_W)};
  REQUIRE(set_ranges(segments, module));
  CHECK(module.start == 0x10000000);
  CHECK(module.limit == 0x10007000);
  CHECK(module.text_start == 0x10001000);
  CHECK(module.text_limit == 0x10003000);
  CHECK(module.text_offset == 0);
}

TEST_CASE("several executable segments with one displacement are stated as one range") {
  Module module;
  const std::vector<Elf64_Phdr> segments = {load(0x1000, 0x1000, 0x1000, PF_R | PF_X),
                                            load(0x2000, 0x2000, 0x1000, PF_R),
                                            load(0x4000, 0x4000, 0x3000, PF_R | PF_X)};
  REQUIRE(set_ranges(segments, module));
  CHECK(module.text_start == 0x1000);
  CHECK(module.text_limit == 0x7000);
  CHECK(module.text_offset == 0x1000);
}

TEST_CASE("of executable segments with several displacements the largest is stated") {
  Module module;
  const std::vector<Elf64_Phdr> segments = {load(0x1000, 0x1000, 0x1000, PF_R | PF_X),
                                            load(0x8000, 0x2000, 0x3000, PF_R | PF_X),
                                            load(0x20000, 0x5000, 0x1000, PF_R | PF_X)};
  REQUIRE(set_ranges(segments, module));
  CHECK(module.text_start == 0x8000);
  CHECK(module.text_limit == 0xB000);
  CHECK(module.text_offset == 0x2000);
  CHECK(module.start == 0x1000);
  CHECK(module.limit == 0x21000);
}

TEST_CASE("segments that make no sense make no module") {
  Module module;
  CHECK_FALSE(set_ranges({}, module));
  CHECK_FALSE(set_ranges(std::vector{load(0x1000, 0, 0, PF_R | PF_X)}, module));
  CHECK_FALSE(set_ranges(std::vector{load(0x1000, 0, UINT64_MAX - 64, PF_R | PF_X)}, module));
  REQUIRE(set_ranges(std::vector{load(0x1000, 0, 16, PF_R)}, module));
  CHECK(module.text_start == 0);
}

std::string note(std::uint32_t type, std::string_view name, std::string_view contents,
                 std::size_t alignment = 4) {
  const Elf64_Nhdr header = {static_cast<Elf64_Word>(name.size()),
                             static_cast<Elf64_Word>(contents.size()), type};
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
  for (const std::string_view part : {name, contents}) {
    bytes += part;
    while (bytes.size() % alignment != 0) bytes += '\0';
  }
  return bytes;
}

std::string build_id(const std::string& notes, std::uint64_t alignment = 4) {
  return find_build_id(std::as_bytes(std::span(notes)), alignment);
}

TEST_CASE("a build id is found among notes") {
  const std::string_view gnu(ELF_NOTE_GNU, sizeof ELF_NOTE_GNU);
  const std::string id = note(NT_GNU_BUILD_ID, gnu, "\x01\xAB\xff");
  CHECK(build_id(id) == "01abff");
  CHECK(build_id(note(NT_GNU_ABI_TAG, gnu, std::string(16, '\0')) + id) == "01abff");
  CHECK(build_id(note(NT_GNU_BUILD_ID, std::string_view("Go\0\0", 4), "x") + id) == "01abff");
  CHECK(build_id(note(1, "odd", "12345") + id) == "01abff");
  CHECK(build_id("").empty());
  CHECK(build_id(note(NT_GNU_BUILD_ID, gnu, "")).empty());
  CHECK(build_id(note(NT_GNU_BUILD_ID, gnu, std::string(65, 'x'))).empty());
  CHECK(build_id(note(NT_GNU_BUILD_ID, gnu, std::string(64, 'x'))).size() == 128);
  // Segments aligned to 8 pad their parts to 8.
  CHECK(build_id(note(5, gnu, "12345678", 8) + note(NT_GNU_BUILD_ID, gnu, "\x05", 8), 8) == "05");
}

TEST_CASE("notes that lie about their sizes hold nothing") {
  const std::string_view gnu(ELF_NOTE_GNU, sizeof ELF_NOTE_GNU);
  std::string id = note(NT_GNU_BUILD_ID, gnu, "12345678");
  for (std::size_t size = 0; size < id.size(); ++size) {
    // A buffer of exactly that size: a sanitizer sees a read behind it.
    const auto bytes = std::make_unique<std::byte[]>(size);
    std::memcpy(bytes.get(), id.data(), size);
    CHECK(find_build_id({bytes.get(), size}, 4).empty());
  }
  for (const std::size_t field : {0U, 4U}) {
    for (const std::uint32_t lie : {0x7FFFFFFFU, 0xFFFFFFFFU, 0xFFFFFFFCU, 64U}) {
      std::string lying = id + id;
      std::memcpy(lying.data() + field, &lie, sizeof lie);
      CHECK(build_id(lying).empty());
    }
  }
  // Without the padding that its size asks for.
  const std::string unpadded = note(1, gnu, "12345");
  const auto bytes = std::make_unique<std::byte[]>(21);
  std::memcpy(bytes.get(), unpadded.data(), 21);
  CHECK(find_build_id({bytes.get(), 21}, 4).empty());
  std::string other = note(1, "x", "12345678");
  const std::uint32_t lie = 0xFFFFFFF0;
  std::memcpy(other.data() + 4, &lie, sizeof lie);
  CHECK(build_id(other + id).empty());
}

}  // namespace
}  // namespace otprof::symbols::test
