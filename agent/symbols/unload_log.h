// SPDX-License-Identifier: Apache-2.0
//
// What the program's dlclose calls took away, and when. The background thread looks at the loader's
// list four times a second; in between a module may come and go, and another take its place. So the
// thread that calls dlclose writes down, while they are still there, the modules that this log does
// not know yet, and afterwards which of them are gone.
//
// look(): any thread that is about to call dlclose, or just has. It takes the loader's lock as dlclose
// does (through dl_iterate_phdr), and does all of its work under it: so it needs no lock of its own, and a
// fork finds none taken. No allocation; of a module only the first page is read, which ld.so has read
// itself. A record for which there is no room is counted.
// drain(): background thread only.
#pragma once

#include <elf.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace otprof::symbols {

struct UnloadRecord {
  std::uintptr_t bias = 0;
  std::uint64_t gone_ns = 0;  // CLOCK_MONOTONIC; 0: the module is there, and the rest is of it
  std::array<Elf64_Phdr, 8> segments{};  // PT_LOAD
  std::size_t segment_count = 0;
  std::array<char, 256> name{};  // the loader's
  std::array<std::byte, 512>
      notes{};  // the first PT_NOTE with a build id in the module's first page
  std::size_t notes_size = 0;
  std::uint64_t notes_alignment = 0;
};

class UnloadLog {
 public:
  // `now_ns`: CLOCK_MONOTONIC. True if any module has been unloaded since the last look.
  static bool look(std::uint64_t now_ns) noexcept;

  // Calls take(record) for each, oldest first.
  template <typename Take>
  static void drain(Take&& take) {
    while (const UnloadRecord* record = oldest()) {
      take(*record);
      drop_oldest();
    }
  }

  // Records for which there was no room.
  static std::uint64_t lost() noexcept;

 private:
  static const UnloadRecord* oldest() noexcept;
  static void drop_oldest() noexcept;
};

}  // namespace otprof::symbols
