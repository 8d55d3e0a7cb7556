// SPDX-License-Identifier: Apache-2.0
#include "agent/sample_ring.h"

#include <atomic>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

using otprof::agent::SampleRing;

namespace {

constexpr std::size_t kRingWords = (64 << 10) / 8;

// Every word of a record holds the same value.
bool put(SampleRing& ring, std::uint64_t value, std::uint32_t reserved, std::uint32_t used) {
  std::uint64_t* record = ring.reserve(reserved);
  if (record == nullptr) {
    return false;
  }
  for (std::uint32_t i = 0; i < used; ++i) {
    record[i] = value;
  }
  ring.commit(record, reserved, used);
  return true;
}

struct Got {
  std::uint64_t value;
  std::uint32_t used;
  bool whole;
};

std::vector<Got> take_all(SampleRing& ring) {
  std::vector<Got> got;
  ring.drain([&](const std::uint64_t* record, std::uint32_t used) {
    Got one{record[0], used, true};
    for (std::uint32_t i = 0; i < used; ++i) {
      one.whole = one.whole && record[i] == record[0];
    }
    got.push_back(one);
  });
  return got;
}

}  // namespace

TEST_CASE("records come out in order, with the words that were used") {
  SampleRing ring;
  REQUIRE(ring.create(1));
  CHECK(put(ring, 11, 100, 3));
  CHECK(put(ring, 12, 100, 100));
  const std::vector<Got> got = take_all(ring);
  REQUIRE(got.size() == 2);
  CHECK((got[0].value == 11 && got[0].used == 3 && got[0].whole));
  CHECK((got[1].value == 12 && got[1].used == 100 && got[1].whole));
  CHECK(take_all(ring).empty());
}

TEST_CASE("what a record did not use is given back") {
  SampleRing ring;
  REQUIRE(ring.create(1));
  // 3 words each with the header: were the 1000 reserved kept, only 8 would fit.
  for (int i = 0; i < 500; ++i) {
    REQUIRE(put(ring, 5, 1000, 2));
  }
  CHECK(take_all(ring).size() == 500);
}

TEST_CASE("a full ring refuses, counts, and works again after a drain") {
  SampleRing ring;
  REQUIRE(ring.create(1));
  CHECK_FALSE(ring.was_used());
  std::size_t fit = 0;
  while (put(ring, fit + 1, 63, 63)) {
    ++fit;
  }
  CHECK(fit == kRingWords / 64);
  CHECK(ring.lost() == 1);
  CHECK(ring.was_used());
  CHECK(take_all(ring).size() == fit);
  CHECK(put(ring, 1, 63, 63));
}

TEST_CASE("a drain ends with what was there when it began, however fast writers are") {
  SampleRing ring;
  REQUIRE(ring.create(1));
  for (std::uint64_t i = 0; i < 10; ++i) {
    REQUIRE(put(ring, i + 1, 8, 8));
  }
  std::size_t taken = 0;
  const std::size_t told = ring.drain([&](const std::uint64_t*, std::uint32_t) {
    ++taken;
    REQUIRE(taken <= 10);
    CHECK(put(ring, 99, 8, 8));
  });
  CHECK(told == 10);
  CHECK(take_all(ring).size() == 10);
}

TEST_CASE("records that would cross the end start at the beginning again") {
  SampleRing ring;
  REQUIRE(ring.create(1));
  std::uint64_t written = 0;
  for (std::uint64_t i = 1; i <= 5000; ++i) {
    REQUIRE(put(ring, i, 200, static_cast<std::uint32_t>(1 + i % 200)));
    for (const Got& got : take_all(ring)) {
      ++written;
      REQUIRE(got.value == written);
      REQUIRE(got.used == 1 + written % 200);
      REQUIRE(got.whole);
    }
  }
  CHECK(written == 5000);
}

TEST_CASE("an unfinished record holds back what follows, and nothing is lost") {
  SampleRing ring;
  REQUIRE(ring.create(1));
  std::uint64_t* unfinished = ring.reserve(10);
  REQUIRE(unfinished != nullptr);
  REQUIRE(put(ring, 2, 10, 10));
  CHECK(take_all(ring).empty());
  unfinished[0] = 1;
  ring.commit(unfinished, 10, 1);
  const std::vector<Got> got = take_all(ring);
  REQUIRE(got.size() == 2);
  CHECK(got[0].value == 1);
  CHECK(got[1].value == 2);
}

TEST_CASE("many writers and one reader: every record arrives whole, or is counted as lost") {
  constexpr int kWriters = 4;
  constexpr std::uint64_t kEach = 20'000;
  SampleRing ring;
  REQUIRE(ring.create(1));
  std::atomic<int> writing{kWriters};
  std::vector<std::thread> writers;
  writers.reserve(kWriters);
  for (int w = 0; w < kWriters; ++w) {
    writers.emplace_back([&, w] {
      for (std::uint64_t i = 0; i < kEach; ++i) {
        const auto used = static_cast<std::uint32_t>(1 + (i * 7) % 60);
        put(ring, static_cast<std::uint64_t>(w + 1) << 32 | (i + 1), 60, used);
      }
      --writing;
    });
  }
  std::uint64_t arrived = 0;
  std::vector<std::uint64_t> last(kWriters + 1);
  bool in_order = true;
  bool all_whole = true;
  const auto drain = [&] {
    for (const Got& got : take_all(ring)) {
      std::uint64_t& previous = last.at(got.value >> 32);
      in_order = in_order && (got.value & 0xffffffff) > previous;
      previous = got.value & 0xffffffff;
      all_whole = all_whole && got.whole;
      ++arrived;
    }
  };
  while (writing > 0) {
    drain();
  }
  drain();
  for (std::thread& writer : writers) {
    writer.join();
  }
  CHECK(in_order);
  CHECK(all_whole);
  CHECK(arrived + ring.lost() == kWriters * kEach);
}
