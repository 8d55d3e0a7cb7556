// SPDX-License-Identifier: Apache-2.0
// The ranges of mapped blocks: exact to the page, whatever is unmapped, and by how many threads.
#include "agent/heap/mapped_blocks.h"

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <random>
#include <thread>
#include <vector>

namespace {

using otprof::heap::MappedBlocks;
using otprof::heap::PageSpan;

using Bytes = std::unordered_map<std::uint64_t, std::uint64_t>;
constexpr std::uint64_t kPage = PageSpan::kPage;

// As mmap and munmap do it.
void map(MappedBlocks& blocks, PageSpan pages, std::uint64_t id) {
  const std::uint64_t birth = blocks.new_birth();
  blocks.cut(pages, birth - 1);
  REQUIRE(blocks.insert(pages, birth, id));
}
void unmap(MappedBlocks& blocks, PageSpan pages) { blocks.cut(pages, blocks.moment()); }

TEST_CASE("pages that a piece of memory touches") {
  const auto at = [](std::uint64_t address) { return reinterpret_cast<const void*>(address); };
  CHECK(PageSpan::of(at(4096), 4096) == PageSpan{1, 2});
  CHECK(PageSpan::of(at(4096), 1) == PageSpan{1, 2});
  CHECK(PageSpan::of(at(4096), 4097) == PageSpan{1, 3});
  CHECK(PageSpan::of(at(4096), 0).bytes() == 0);
  CHECK(PageSpan::of(at(4096), SIZE_MAX).bytes() == 0);
  CHECK(PageSpan::of(at(4096), SIZE_MAX - 4096).bytes() == 0);
}

TEST_CASE("head, tail, middle and several blocks at once are cut out exactly") {
  auto blocks = std::make_unique<MappedBlocks>();
  map(*blocks, {100, 200}, 1);
  map(*blocks, {200, 300}, 2);
  map(*blocks, {350, 400}, 3);
  CHECK(blocks->bytes_left() == Bytes{{1, 100 * kPage}, {2, 100 * kPage}, {3, 50 * kPage}});
  unmap(*blocks, {90, 110});
  CHECK(blocks->bytes_left().at(1) == 90 * kPage);
  unmap(*blocks, {290, 320});
  CHECK(blocks->bytes_left().at(2) == 90 * kPage);
  unmap(*blocks, {150, 160});
  CHECK(blocks->bytes_left().at(1) == 80 * kPage);
  CHECK(blocks->size() == 4);
  unmap(*blocks, {150, 160});  // nothing is there any more
  CHECK(blocks->bytes_left().at(1) == 80 * kPage);
  unmap(*blocks, {190, 360});  // the end of 1, the hole, all of 2, the beginning of 3
  CHECK(blocks->bytes_left() == Bytes{{1, 70 * kPage}, {3, 40 * kPage}});
  unmap(*blocks, {0, 1U << 20U});
  CHECK(blocks->bytes_left().empty());
  CHECK(blocks->size() == 0);
}

TEST_CASE("a cut spares blocks that were born after its moment") {
  auto blocks = std::make_unique<MappedBlocks>();
  map(*blocks, {100, 200}, 1);
  const std::uint64_t moment = blocks->moment();
  // Another thread is given the pages before this one has come to say that they went.
  map(*blocks, {120, 180}, 2);
  blocks->cut({100, 200}, moment);
  CHECK(blocks->bytes_left() == Bytes{{2, 60 * kPage}});
}

TEST_CASE("what is mapped over a block takes its place") {
  auto blocks = std::make_unique<MappedBlocks>();
  map(*blocks, {100, 200}, 1);
  map(*blocks, {150, 160}, 2);
  CHECK(blocks->bytes_left() == Bytes{{1, 90 * kPage}, {2, 10 * kPage}});
}

TEST_CASE("blocks without a sample are known, but not told") {
  auto blocks = std::make_unique<MappedBlocks>();
  map(*blocks, {100, 200}, 0);
  CHECK(blocks->bytes_left().empty());
  CHECK(blocks->holds(150, blocks->moment()));
  CHECK_FALSE(blocks->holds(200, blocks->moment()));
  CHECK_FALSE(blocks->holds(150, 0));
  unmap(*blocks, {120, 180});
  CHECK_FALSE(blocks->holds(150, blocks->moment()));
  CHECK(blocks->holds(199, blocks->moment()));
}

TEST_CASE("it says when it is full, and what it cannot hold") {
  auto blocks = std::make_unique<MappedBlocks>();
  CHECK_FALSE(blocks->insert({5, 5}, blocks->new_birth(), 1));
  CHECK_FALSE(blocks->insert({0, std::uint64_t{1} << 28U}, blocks->new_birth(), 1));
  CHECK_FALSE(blocks->insert({std::uint64_t{1} << 35U, (std::uint64_t{1} << 35U) + 1},
                             blocks->new_birth(), 1));
  CHECK(blocks->size() == 0);
  constexpr std::uint64_t kLast = (std::uint64_t{1} << 35U) - 1;
  map(*blocks, {kLast, kLast + 1}, 1);
  map(*blocks, {kLast - (std::uint64_t{1} << 28U) + 1, kLast}, 2);
  CHECK(blocks->bytes_left() == Bytes{{1, kPage}, {2, ((std::uint64_t{1} << 28U) - 1) * kPage}});
  for (std::uint64_t i = 2; i < MappedBlocks::kSlots; ++i) {
    REQUIRE(blocks->insert({10 * i, 10 * i + 9}, blocks->new_birth(), i + 1));
  }
  CHECK_FALSE(blocks->insert({1, 2}, blocks->new_birth(), 99));
  CHECK(blocks->lost() == 0);
  // No room for the second half: that part is lost, and counted.
  unmap(*blocks, {23, 24});
  CHECK(blocks->bytes_left().at(3) == 3 * kPage);
  CHECK(blocks->lost() == 1);
  blocks->remove(3);
  CHECK_FALSE(blocks->bytes_left().contains(3));
  CHECK(blocks->insert({1, 2}, blocks->new_birth(), 99));
}

TEST_CASE("it agrees with a map of pages over random operations") {
  auto blocks = std::make_unique<MappedBlocks>();
  constexpr std::uint64_t kPages = 400;
  std::array<std::uint64_t, kPages> truth{};  // sample by page
  std::mt19937_64 random(1);
  for (std::uint64_t id = 1; id < 20'000; ++id) {
    const std::uint64_t first = random() % kPages;
    const std::uint64_t end = std::min(kPages, first + 1 + random() % 60);
    const bool is_map = random() % 2 == 0;
    is_map ? map(*blocks, {first, end}, id) : unmap(*blocks, {first, end});
    std::fill(truth.begin() + static_cast<long>(first), truth.begin() + static_cast<long>(end),
              is_map ? id : 0);
    if (id % 50 == 0) {
      Bytes expected;
      for (const std::uint64_t owner : truth) {
        if (owner != 0) {
          expected[owner] += kPage;
        }
      }
      REQUIRE(blocks->bytes_left() == expected);
    }
  }
}

// Each thread owns pages in turn, as the kernel hands them out: whoever unmaps gives them to the others
// at once, and says so only afterwards. Threads unmap parts of the same blocks at the same time.
TEST_CASE("many threads that give pages to each other leave exactly what is mapped") {
  constexpr int kThreads = 8;
  constexpr int kRounds = 20'000;
  constexpr std::uint64_t kPages = 64;
  auto blocks = std::make_unique<MappedBlocks>();
  std::vector<std::atomic<int>> states(kPages);  // 0 free, 1 being worked on, 2 mapped
  std::atomic<std::uint64_t> next_id{1};
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(static_cast<unsigned>(t));
      // Takes as many pages in a row as are in this state, from `first` on.
      const auto take = [&](std::uint64_t first, int state) {
        std::uint64_t end = first;
        const std::uint64_t limit = std::min(kPages, first + 1 + random() % 12);
        int expected = state;
        while (end < limit && states[end].compare_exchange_strong(expected, 1)) {
          ++end;
          expected = state;
        }
        return PageSpan{first, end};
      };
      const auto give = [&](PageSpan pages, int state) {
        for (std::uint64_t page = pages.first; page < pages.end; ++page) {
          states[page].store(state);
        }
      };
      for (int i = 0; i < kRounds; ++i) {
        const std::uint64_t first = random() % kPages;
        if (const PageSpan pages = take(first, 0); pages.bytes() != 0) {
          const std::uint64_t birth = blocks->new_birth();
          blocks->cut(pages, birth - 1);
          if (!blocks->insert(pages, birth, next_id.fetch_add(1))) {
            std::abort();
          }
          give(pages, 2);
        }
        if (const PageSpan pages = take(random() % kPages, 2); pages.bytes() != 0) {
          const std::uint64_t moment = blocks->moment();
          give(pages, 0);
          blocks->cut(pages, moment);
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  std::uint64_t mapped = 0;
  for (const std::atomic<int>& state : states) {
    mapped += state == 2 ? kPage : 0;
  }
  std::uint64_t told = 0;
  for (const auto& [id, bytes] : blocks->bytes_left()) {
    told += bytes;
  }
  CHECK(told == mapped);
  CHECK(blocks->lost() == 0);
  unmap(*blocks, {0, kPages});
  CHECK(blocks->bytes_left().empty());
  CHECK(blocks->size() == 0);
}

}  // namespace
