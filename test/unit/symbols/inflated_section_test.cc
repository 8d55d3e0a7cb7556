// SPDX-License-Identifier: Apache-2.0
//
// Any byte of a compressed section, in any order, is what it was before.
#include "agent/symbols/inflated_section.h"

#include <zlib.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

#include "agent/symbols/debug_sections.h"
#include "test/unit/symbols/elf_image.h"

namespace otprof::symbols::test {
namespace {

constexpr std::size_t kBytes = 12 << 20;  // several points to begin again at, more than all pieces

std::string sample_text() {
  std::mt19937 random(7);
  std::string text;
  text.reserve(kBytes + 64);
  while (text.size() < kBytes) {
    text += "entry " + std::to_string(random() % 100000) + " of " + std::to_string(text.size());
  }
  text.resize(kBytes);
  return text;
}

std::string deflated(const std::string& text) {
  std::string bytes(compressBound(text.size()), '\0');
  uLongf size = bytes.size();
  REQUIRE(compress2(reinterpret_cast<Bytef*>(bytes.data()), &size,
                    reinterpret_cast<const Bytef*>(text.data()), text.size(), 1) == Z_OK);
  bytes.resize(size);
  return bytes;
}

TEST_CASE("a compressed section is read in any order") {
  const std::string text = sample_text();
  const std::string stored = "before" + deflated(text);
  const BytesSource source(stored);
  InflatedPieces pieces;
  InflatedSection section(source, 6, stored.size() - 6, text.size(), pieces);
  ReadBudget budget(std::uint64_t{1} << 40);
  std::mt19937_64 random(1);
  std::string read(100000, '\0');
  std::size_t wrong = 0;
  const auto check = [&](std::uint64_t offset, std::size_t size) {
    REQUIRE(section.read(offset, read.data(), size, budget));
    wrong += text.compare(offset, size, read, 0, size) == 0 ? 0 : 1;
  };
  for (std::uint64_t offset = 0; offset + 8192 <= text.size(); offset += 8192) check(offset, 8192);
  for (int i = 0; i < 300; ++i) {
    const std::size_t size = 1 + random() % (i % 3 == 0 ? read.size() : 200);
    check(random() % (text.size() - size), size);
  }
  check(text.size() - 10, 10);
  check(0, 10);
  CHECK(wrong == 0);

  // From a point in the middle, not from the beginning: some 1 MiB for a piece, not 12.
  const std::uint64_t before = budget.left();
  check(text.size() / 3 * 2, 10);
  check(text.size() / 3, 10);
  CHECK(before - budget.left() < 5 << 20);
}

TEST_CASE("a compressed section that is damaged or too much is refused") {
  const std::string text = sample_text();
  std::string stored = deflated(text);
  std::string read(10, '\0');
  InflatedPieces pieces;
  {
    const BytesSource source(stored);
    InflatedSection section(source, 0, stored.size(), text.size(), pieces);
    ReadBudget budget(1 << 20);
    CHECK(section.read(0, read.data(), read.size(), budget));
    CHECK_FALSE(section.read(text.size() - 20, read.data(), read.size(), budget));
    CHECK(budget.spent());
  }
  ReadBudget budget(std::uint64_t{1} << 40);
  {
    const BytesSource source(stored);
    InflatedSection longer(source, 0, stored.size(), text.size() + 1000, pieces);
    CHECK_FALSE(longer.read(text.size() + 900, read.data(), read.size(), budget));
    CHECK(longer.read(5, read.data(), read.size(), budget));
    CHECK(text.compare(5, read.size(), read) == 0);
  }
  stored.replace(stored.size() / 2, 64, std::string(64, '\xff'));
  const BytesSource source(stored);
  InflatedSection section(source, 0, stored.size(), text.size(), pieces);
  CHECK_FALSE(section.read(text.size() - 20, read.data(), read.size(), budget));
}

}  // namespace
}  // namespace otprof::symbols::test
