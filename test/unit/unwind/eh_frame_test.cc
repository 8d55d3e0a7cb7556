// SPDX-License-Identifier: Apache-2.0
#include "agent/unwind/eh_frame.h"

#include <catch2/catch.hpp>

#include "test/unit/unwind/cfi_bytes.h"

namespace otprof::unwind {

using otprof::test::EhFrameBuilder;

namespace {

std::uint64_t address_of(const EhFrameBuilder& section, std::size_t offset) {
  return reinterpret_cast<std::uintptr_t>(section.data().data()) + offset;
}

// A CIE with these augmentation letters and data, then an FDE for [0x1000, 0x1100).
struct Section {
  EhFrameBuilder builder;
  std::size_t fde = 0;

  explicit Section(std::string_view letters, std::initializer_list<unsigned> augmentation,
                   unsigned version = 1, unsigned return_column = kReturnColumn) {
    const std::size_t cie = builder.begin_entry();
    builder.number<std::uint32_t>(0);
    builder.bytes({version});
    builder.text(letters);
    if (version == 4) builder.bytes({8, 0});
    builder.bytes({1, 0x78, return_column});  // code alignment 1, data alignment -8
    if (!letters.empty()) {
      builder.bytes({static_cast<unsigned>(augmentation.size())});
      builder.bytes(augmentation);
    }
    builder.bytes({0x0c, 7, 8, 0x90, 1});
    builder.end_entry(cie);
    fde = builder.size();
    const std::size_t body = builder.begin_entry();
    builder.number(static_cast<std::uint32_t>(body - (cie - 4)));
    builder.number<std::uint64_t>(0x1000);
    builder.number<std::uint64_t>(0x100);
    if (!letters.empty()) builder.bytes({0});
    builder.bytes({0x41, 0x0e, 16});
    builder.end_entry(body);
  }

  static constexpr unsigned kReturnColumn = 16;

  Lookup parse(std::uint64_t pc, FrameDescription& description) const {
    return parse_frame_description(builder.data(), address_of(builder, fde), pc, description);
  }
};

}  // namespace

TEST_CASE("a frame description without augmentation") {
  const Section section("", {});
  FrameDescription description;
  REQUIRE(section.parse(0x1050, description) == Lookup::kFound);
  CHECK(description.pc_begin == 0x1000);
  CHECK(description.pc_range == 0x100);
  CHECK(description.data_alignment == -8);
  CHECK_FALSE(description.signal_frame);
  CHECK(description.initial_program[0] == 0x0c);
  CHECK(description.program[0] == 0x41);
  CHECK(section.parse(0x1100, description) == Lookup::kNothing);
  CHECK(section.parse(0xfff, description) == Lookup::kNothing);
}

TEST_CASE("augmentations") {
  FrameDescription description;
  REQUIRE(Section("zR", {0}).parse(0x1000, description) == Lookup::kFound);
  // Personality (8 bytes, absolute) and language data area before the pointer encoding.
  REQUIRE(Section("zPLR", {0, 1, 2, 3, 4, 5, 6, 7, 8, 0x1b, 0}).parse(0x1000, description) ==
          Lookup::kFound);
  CHECK_FALSE(description.signal_frame);
  const Section signal("zRS", {0});
  REQUIRE(signal.parse(0x1000, description) == Lookup::kFound);
  CHECK(description.signal_frame);
  // An unknown letter behind the known ones.
  REQUIRE(Section("zRX", {0, 9, 9}).parse(0x1000, description) == Lookup::kFound);
  CHECK(description.initial_program[0] == 0x0c);
  CHECK(Section("eh", {}).parse(0x1000, description) == Lookup::kMalformed);
}

TEST_CASE("versions and return columns") {
  FrameDescription description;
  CHECK(Section("zR", {0}, 3).parse(0x1000, description) == Lookup::kFound);
  CHECK(Section("zR", {0}, 4).parse(0x1000, description) == Lookup::kFound);
  CHECK(Section("zR", {0}, 2).parse(0x1000, description) == Lookup::kMalformed);
  CHECK(Section("zR", {0}, 1, 17).parse(0x1000, description) == Lookup::kMalformed);
}

TEST_CASE("entries outside or across the section") {
  const Section section("zR", {0});
  const Bytes whole = section.builder.data();
  const std::uint64_t fde = address_of(section.builder, section.fde);
  FrameDescription description;
  CHECK(parse_frame_description(whole, fde - 4096, 0x1000, description) == Lookup::kMalformed);
  CHECK(parse_frame_description(whole, fde + 4096, 0x1000, description) == Lookup::kMalformed);
  CHECK(parse_frame_description({}, fde, 0x1000, description) == Lookup::kMalformed);
  for (std::size_t size = section.fde; size < whole.size(); ++size) {
    CHECK(parse_frame_description(whole.first(size), fde, 0x1000, description) ==
          Lookup::kMalformed);
  }
  // The CIE itself is no FDE, and an FDE is no CIE.
  CHECK(parse_frame_description(whole, address_of(section.builder, 0), 0x1000, description) ==
        Lookup::kMalformed);
  Section own_cie("zR", {0});
  own_cie.builder.patch<std::uint32_t>(own_cie.fde + 4, 4);
  CHECK(own_cie.parse(0x1000, description) == Lookup::kMalformed);
}

namespace {

// A search table with entries (0x100 * i, 0x10000 + i) for i in 1..count, relative to itself.
template <typename Number>
EhFrameBuilder search_table(unsigned encoding, std::uint32_t count, std::uint32_t said) {
  EhFrameBuilder header;
  header.bytes({1, 0x1b, 0x03, encoding});
  header.number<std::int32_t>(0);
  header.number<std::uint32_t>(said);
  for (std::uint32_t i = 1; i <= count; ++i) {
    header.number(Number{0x100} * static_cast<Number>(i));
    header.number(Number{0x10000} + static_cast<Number>(i));
  }
  return header;
}

}  // namespace

TEST_CASE("the search table") {
  for (const std::uint32_t count : {1U, 2U, 3U, 100U}) {
    const EhFrameBuilder header = search_table<std::int32_t>(0x3b, count, count);
    const std::uint64_t base = address_of(header, 0);
    for (std::uint32_t i = 1; i <= count; ++i) {
      std::uintptr_t fde = 0;
      CHECK(search_eh_frame_hdr(header.data(), base + 0x100 * i, fde) == Lookup::kFound);
      CHECK(fde == base + 0x10000 + i);
      CHECK(search_eh_frame_hdr(header.data(), base + 0x100 * i + 0xff, fde) == Lookup::kFound);
      CHECK(fde == base + 0x10000 + i);
    }
    std::uintptr_t fde = 0;
    CHECK(search_eh_frame_hdr(header.data(), base + 0xff, fde) == Lookup::kNothing);
  }
  const EhFrameBuilder wide = search_table<std::int64_t>(0x3c, 5, 5);
  std::uintptr_t fde = 0;
  CHECK(search_eh_frame_hdr(wide.data(), address_of(wide, 0x250), fde) == Lookup::kFound);
  CHECK(fde == address_of(wide, 0x10002));
}

TEST_CASE("search tables that are refused") {
  std::uintptr_t fde = 0;
  const auto search = [&](const EhFrameBuilder& header) {
    return search_eh_frame_hdr(header.data(), address_of(header, 0x250), fde);
  };
  CHECK(search(search_table<std::int32_t>(0x3b, 5, 6)) == Lookup::kMalformed);
  CHECK(search(search_table<std::int32_t>(0x3b, 5, UINT32_MAX)) == Lookup::kMalformed);
  CHECK(search(search_table<std::int32_t>(0x1b, 5, 5)) == Lookup::kMalformed);
  CHECK(search(search_table<std::int32_t>(0xff, 5, 5)) == Lookup::kNothing);  // no table
  CHECK(search(search_table<std::int32_t>(0x3b, 0, 0)) == Lookup::kNothing);
  EhFrameBuilder version_2 = search_table<std::int32_t>(0x3b, 5, 5);
  version_2.patch<std::uint8_t>(0, 2);
  CHECK(search(version_2) == Lookup::kMalformed);
  EhFrameBuilder short_header;
  short_header.bytes({1, 0x1b, 0x03});
  CHECK(search(short_header) == Lookup::kMalformed);
}

}  // namespace otprof::unwind
