// SPDX-License-Identifier: Apache-2.0
// What memory is used for: lines of /proc/self/maps, heaps of glibc, resident pages of a range.
#include "agent/resident_memory.h"

#include <sys/mman.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

using otprof::agent::add_regions;
using otprof::agent::AddressRange;
using otprof::agent::MemoryRegions;
using otprof::agent::read_memory_regions;
using otprof::agent::resident_bytes;
using otprof::symbols::ProcessMemory;

constexpr std::size_t kPage = 4096;

AddressRange range_of(const void* start, std::size_t bytes) {
  const auto address = reinterpret_cast<std::uintptr_t>(start);
  return {address, address + bytes};
}

bool holds(const AddressRange& range, const void* pointer) {
  const auto address = reinterpret_cast<std::uintptr_t>(pointer);
  return address >= range.start && address < range.limit;
}

TEST_CASE("lines that name the break and the stack, and lines that do not") {
  const ProcessMemory memory;
  MemoryRegions regions;
  for (const char* line :
       {"55d0c8a00000-55d0c8a21000 rw-p 00000000 00:00 0                          [heap]",
        "7ffd1c5e0000-7ffd1c601000 rw-p 00000000 00:00 0                          [stack]",
        "7ffd1c601000-7ffd1c605000 r--p 00000000 00:00 0                          [vvar]",
        "7f0000000000-7f0000021000 r--p 00000000 00:00 0 ",
        "7f1000000000-7f1000021000 rw-p 00000000 08:01 77       /tmp/a file [heap]x",
        "7f2000000000-7f2000021000 rw-p 00000000 00:00 0 ",  // nothing can be read there
        "", "-", "7f", "7f-", "7f-80", "zz-80 rw-p", "7f-80 rw-p "}) {
    add_regions(line, memory, regions);
  }
  CHECK(regions.heaps == std::vector<AddressRange>{{0x55d0c8a00000, 0x55d0c8a21000}});
  CHECK(regions.main_stack == AddressRange{0x7ffd1c5e0000, 0x7ffd1c601000});
}

TEST_CASE("pages that have been touched are resident, others are not") {
  constexpr std::size_t kPages = 9000;  // more than are looked at at once
  void* memory =
      mmap(nullptr, kPages * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  madvise(memory, kPages * kPage, MADV_NOHUGEPAGE);
  auto* bytes = static_cast<volatile char*>(memory);
  CHECK(resident_bytes(range_of(memory, kPages * kPage)) == 0);
  for (std::size_t page = 0; page < kPages; page += 3) {
    bytes[page * kPage] = 1;
  }
  CHECK(resident_bytes(range_of(memory, kPages * kPage)) == 3000 * kPage);
  CHECK(resident_bytes(range_of(memory, 1)) == kPage);
  CHECK(resident_bytes(range_of(memory, 0)) == 0);
  munmap(memory, kPages * kPage);
  CHECK(resident_bytes(range_of(memory, kPages * kPage)) == 0);
}

TEST_CASE("heaps of glibc are found, and no other memory is taken for one") {
  void* in_break = std::malloc(100);
  void* in_arena = nullptr;
  std::thread([&] { in_arena = std::malloc(100); }).join();
  // Where a heap could be, with what is not the header of one.
  constexpr std::size_t kHeapSize = std::size_t{64} << 20U;
  void* reserved = mmap(nullptr, 2 * kHeapSize, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  REQUIRE(reserved != MAP_FAILED);
  const auto aligned =
      (reinterpret_cast<std::uintptr_t>(reserved) + kHeapSize - 1) & ~(kHeapSize - 1);
  auto* words = reinterpret_cast<std::uintptr_t*>(aligned);
  const MemoryRegions regions = read_memory_regions();
  int breaks = 0;
  int arenas = 0;
  for (const AddressRange& heap : regions.heaps) {
    breaks += holds(heap, in_break) ? 1 : 0;
    arenas += holds(heap, in_arena) ? 1 : 0;
    CHECK_FALSE(holds(heap, reserved));
    CHECK_FALSE(holds(heap, words));
  }
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they bring their own malloc
  CHECK(breaks == 1);
  CHECK(arenas == 1);
#endif
  // It has not been touched in passing, either.
  CHECK(resident_bytes({aligned, aligned + 1}) == 0);
  CHECK(holds(regions.main_stack, __builtin_frame_address(0)));

  // A whole header, one word of it wrong.
  ProcessMemory memory;
  const std::string line = [&] {
    std::array<char, 100> text{};
    std::snprintf(text.data(), text.size(), "%zx-%zx rw-p 00000000 00:00 0 ", aligned,
                  aligned + kHeapSize);
    return std::string(text.data());
  }();
  const auto heaps_with = [&](std::uintptr_t arena, std::uintptr_t previous, std::uintptr_t size,
                              std::uintptr_t usable) {
    words[0] = arena;
    words[1] = previous;
    words[2] = size;
    words[3] = usable;
    MemoryRegions found;
    add_regions(line, memory, found);
    return found.heaps;
  };
  const std::vector<AddressRange> expected = {{aligned, aligned + 0x22000}};
  CHECK(heaps_with(aligned + 0x30, 0, 0x21000, 0x22000) == expected);
  CHECK(heaps_with(aligned - kHeapSize + 0x30, aligned - kHeapSize, 0x21000, 0x22000) == expected);
  CHECK(heaps_with(aligned + 0x30, aligned, 0x21000, 0x22000).empty());
  CHECK(heaps_with(aligned - 0x30, 0, 0x21000, 0x22000).empty());
  CHECK(heaps_with(aligned + 0x30, 0, 0x23000, 0x22000).empty());
  CHECK(heaps_with(aligned + 0x30, 0, 0x21001, 0x22000).empty());
  CHECK(heaps_with(aligned + 0x30, 0, 0, 0x22000).empty());
  CHECK(heaps_with(aligned + 0x30, 0, 0x21000, kHeapSize + kPage).empty());
  CHECK(heaps_with(0, 0, 0x21000, 0x22000).empty());
  munmap(reserved, 2 * kHeapSize);
  std::free(in_break);
  std::free(in_arena);
}

}  // namespace
