// SPDX-License-Identifier: Apache-2.0
//
// A real module's tables with bytes changed at random (fixed seed): whatever they then say, nothing
// is read outside their segment or the stack, and every step ends. The copy lies between pages that
// fault.
#include <dlfcn.h>
#include <sys/mman.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstring>
#include <random>
#include <vector>

#include "agent/unwind/cfi_program.h"
#include "agent/unwind/cfi_step.h"
#include "agent/unwind/eh_frame.h"
#include "agent/unwind/module.h"

namespace otprof::unwind {

namespace {

constexpr std::size_t kPage = 4096;

// A copy of the segment that holds a module's unwind tables, its first or its last byte next to a page
// that cannot be read.
class GuardedCopy {
 public:
  GuardedCopy(Bytes original, bool at_end) : size_(original.size()) {
    pages_ = (size_ + kPage - 1) / kPage * kPage;
    void* memory = mmap(nullptr, pages_ + 2 * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(memory != MAP_FAILED);
    memory_ = static_cast<std::uint8_t*>(memory);
    REQUIRE(mprotect(memory_ + kPage, pages_, PROT_READ | PROT_WRITE) == 0);
    begin_ = memory_ + kPage + (at_end ? pages_ - size_ : 0);
    std::memcpy(begin_, original.data(), size_);
  }
  ~GuardedCopy() { munmap(memory_, pages_ + 2 * kPage); }
  GuardedCopy(const GuardedCopy&) = delete;
  GuardedCopy& operator=(const GuardedCopy&) = delete;

  std::uint8_t* begin() const { return begin_; }
  Bytes bytes() const { return {begin_, size_}; }

 private:
  std::size_t size_;
  std::size_t pages_ = 0;
  std::uint8_t* memory_ = nullptr;
  std::uint8_t* begin_ = nullptr;
};

struct Tables {
  Module module;
  Bytes segment;
  std::uintptr_t hdr_offset = 0;
};

Tables tables_of(const void* address) {
  Tables tables;
  REQUIRE(find_object(reinterpret_cast<std::uintptr_t>(address), tables.module));
  REQUIRE(tables.module.eh_frame_hdr != 0);
  tables.segment = readable_segment(tables.module, tables.module.eh_frame_hdr);
  REQUIRE_FALSE(tables.segment.empty());
  tables.hdr_offset =
      tables.module.eh_frame_hdr - reinterpret_cast<std::uintptr_t>(tables.segment.data());
  return tables;
}

struct Outcome {
  unsigned found = 0;
  unsigned malformed = 0;
  unsigned stepped = 0;
};

// All that a walk does with the tables, but for the module's lookup.
void try_step(const GuardedCopy& copy, std::uintptr_t hdr_offset, std::uint64_t pc,
              Outcome& outcome) {
  std::uintptr_t fde = 0;
  FrameDescription description;
  if (search_eh_frame_hdr(copy.bytes().subspan(hdr_offset), pc, fde) != Lookup::kFound) return;
  if (parse_frame_description(copy.bytes(), fde, pc, description) != Lookup::kFound) {
    ++outcome.malformed;
    return;
  }
  ++outcome.found;
  CfiRow row;
  if (!run_cfi_program(description, pc, row)) {
    ++outcome.malformed;
    return;
  }
  alignas(16) static std::array<std::uint64_t, 512> words;
  const auto low = reinterpret_cast<std::uintptr_t>(words.data());
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = low + 8 * ((i * 37) % words.size());
  Frame frame;
  for (unsigned reg = 0; reg < kRegisterCount; ++reg) frame.registers.set(reg, low + 64 * reg);
  frame.registers.set(kRsp, low + 128);
  frame.registers.set(kRip, pc);
  const StackMemory stack(low, low + sizeof words);
  Frame caller = frame;
  if (!step_by_row(row, description.section, description.signal_frame, caller, stack)) {
    ++outcome.stepped;
  }
  if (const auto rule = pack_rule(row, description.section, description.signal_frame)) {
    caller = frame;
    caller.registers.valid = kPreservedRegisters;
    if (!step_fast(*rule, caller, stack)) step_by_rule(*rule, caller, stack);
  }
}

void corrupt_and_try(const void* module, unsigned rounds) {
  const Tables tables = tables_of(module);
  const Bytes header = tables.segment.subspan(tables.hdr_offset);
  std::uint32_t count = 0;
  std::memcpy(&count, header.data() + 8, sizeof count);
  REQUIRE(count > 10);
  std::mt19937_64 random(20240229);
  Outcome outcome;
  for (const bool at_end : {false, true}) {
    const GuardedCopy copy(tables.segment, at_end);
    const std::uint64_t moved = reinterpret_cast<std::uintptr_t>(copy.begin() + tables.hdr_offset);
    for (unsigned round = 0; round < rounds; ++round) {
      std::array<std::int32_t, 2> pair;  // of the search table
      std::memcpy(pair.data(), header.data() + 12 + random() % count * 8, sizeof pair);
      const auto fde = tables.hdr_offset + static_cast<std::uint64_t>(std::int64_t{pair[1]});
      const std::uint64_t pc =
          moved + static_cast<std::uint64_t>(std::int64_t{pair[0]}) + random() % 64;
      // Near the FDE, near its CIE, in the header, or anywhere.
      std::vector<std::pair<std::size_t, std::uint8_t>> undo;
      for (std::uint64_t change = random() % 6; change != 0; --change) {
        std::uint32_t cie_distance = 0;
        std::memcpy(&cie_distance, tables.segment.data() + fde + 4, sizeof cie_distance);
        const std::array<std::uint64_t, 4> bases = {fde, fde + 4 - cie_distance, tables.hdr_offset,
                                                    random()};
        const std::size_t place = (bases[random() % 4] + random() % 48) % tables.segment.size();
        undo.emplace_back(place, copy.begin()[place]);
        constexpr std::array<std::uint8_t, 8> kNasty = {0x00, 0xff, 0x80, 0x7f,
                                                        0x0f, 0x10, 0x16, 0x0b};
        copy.begin()[place] = random() % 2 == 0 ? kNasty[random() % kNasty.size()]
                                                : static_cast<std::uint8_t>(random());
      }
      try_step(copy, tables.hdr_offset, pc, outcome);
      while (!undo.empty()) {
        copy.begin()[undo.back().first] = undo.back().second;
        undo.pop_back();
      }
    }
  }
  // The changes must do something, and must not do everything.
  CHECK(outcome.malformed > rounds / 20);
  CHECK(outcome.found > rounds / 2);
  CHECK(outcome.stepped > rounds / 4);
}

}  // namespace

TEST_CASE("corrupt tables of this program") {
  static const int here = 0;
  corrupt_and_try(&here, 30000);
}

TEST_CASE("corrupt tables of the C library") {
  corrupt_and_try(dlsym(RTLD_DEFAULT, "printf"), 30000);
}

TEST_CASE("tables cut off at every place") {
  static const int here = 0;
  const Tables tables = tables_of(&here);
  Outcome outcome;
  const Bytes header = tables.segment.subspan(tables.hdr_offset);
  std::array<std::int32_t, 2> pair;
  std::memcpy(pair.data(), header.data() + 12, sizeof pair);
  for (std::size_t size = tables.hdr_offset; size < tables.hdr_offset + 4000; size += 3) {
    const GuardedCopy copy(tables.segment.first(size), true);
    const std::uint64_t moved = reinterpret_cast<std::uintptr_t>(copy.begin() + tables.hdr_offset);
    try_step(copy, tables.hdr_offset, moved + static_cast<std::uint64_t>(std::int64_t{pair[0]}),
             outcome);
  }
  SUCCEED();
}

}  // namespace otprof::unwind
