// SPDX-License-Identifier: Apache-2.0
// The live table: exact, without tombstones, safe among threads, honest when it is full.
#include "agent/heap/live_table.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <random>
#include <set>
#include <thread>
#include <unordered_map>
#include <vector>

#include "interpose/allocation_hooks.h"

namespace {

using otprof::heap::LiveTable;

const void* address(std::uint64_t value) { return reinterpret_cast<const void*>(value); }

std::set<std::uint64_t> ids_in(const LiveTable& table) {
  std::set<std::uint64_t> ids;
  table.scan([&](std::uint64_t id) { ids.insert(id); });
  return ids;
}

TEST_CASE("the table agrees with a map over random operations") {
  auto table = std::make_unique<LiveTable>();
  std::unordered_map<std::uint64_t, std::uint64_t> truth;
  std::mt19937_64 random(1);
  for (std::uint64_t id = 1; id < 200'000; ++id) {
    const std::uint64_t key = (random() % 40'000 + 1) * 16;
    const bool known = truth.contains(key);
    switch (random() % 3) {
      case 0:
        if (!known) {
          REQUIRE(table->insert(address(key), id));
          truth[key] = id;
        }
        break;
      case 1:
        REQUIRE(table->remove(address(key)) == known);
        truth.erase(key);
        break;
      default: {
        LiveTable::Slot* slot = table->begin_move(address(key));
        REQUIRE((slot != nullptr) == known);
        if (slot != nullptr) {
          REQUIRE_FALSE(table->remove(address(key)));  // not to be found while it moves
          const bool gone = random() % 2 == 0;
          table->end_move(slot, gone);
          if (gone) {
            truth.erase(key);
          }
        }
      }
    }
    REQUIRE(table->size() == truth.size());
  }
  std::set<std::uint64_t> expected;
  for (const auto& [key, id] : truth) {
    expected.insert(id);
    CHECK(otprof::interpose::may_be_watched(address(key)));
  }
  CHECK(ids_in(*table) == expected);
  for (const auto& [key, id] : truth) {
    CHECK_FALSE(table->remove(address(key), id + 1));
    CHECK(table->remove(address(key), id));
  }
  CHECK(table->size() == 0);
  for (std::size_t page = 1; page < std::size(otprof::interpose::watched_pages); ++page) {
    REQUIRE(otprof::interpose::watched_pages[page] == 0);
  }
}

TEST_CASE("a block that moves counts as live") {
  auto table = std::make_unique<LiveTable>();
  REQUIRE(table->insert(address(4096), 9));
  LiveTable::Slot* slot = table->begin_move(address(4096));
  CHECK(ids_in(*table) == std::set<std::uint64_t>{9});
  // realloc gave the old address to another thread before it returned to this one.
  REQUIRE(table->insert(address(4096), 10));
  table->end_move(slot, true);
  CHECK(ids_in(*table) == std::set<std::uint64_t>{10});
  CHECK(table->remove(address(4096)));
  CHECK(table->size() == 0);
}

TEST_CASE("it takes what it promises, and says when it is full") {
  auto table = std::make_unique<LiveTable>();
  std::mt19937_64 random(2);
  std::vector<std::uint64_t> keys;
  std::set<std::uint64_t> known;
  while (keys.size() < LiveTable::kFull) {
    const std::uint64_t key = (random() & 0x7fffffffffffULL) & ~15ULL;
    if (key != 0 && known.insert(key).second) {
      if (!table->insert(address(key), keys.size() + 1)) {
        break;
      }
      keys.push_back(key);
    }
  }
  // Overflow below the limit is a matter of luck, and must be rare.
  CHECK(keys.size() >= LiveTable::kFull * 95 / 100);
  while (table->size() < LiveTable::kFull) {
    const std::uint64_t key = (random() & 0x7fffffffffffULL) & ~15ULL;
    if (known.insert(key).second && table->insert(address(key), 1)) {
      keys.push_back(key);
    }
  }
  CHECK_FALSE(table->insert(address(16), 1));
  for (const std::uint64_t key : keys) {
    REQUIRE(table->remove(address(key)));
  }
  CHECK(table->size() == 0);
}

// The same few addresses, as an allocator reuses them: each thread takes one for itself, as malloc
// would give it, enters it, takes it out again and gives it back.
TEST_CASE("tight reuse by many threads leaves nothing behind") {
  constexpr int kThreads = 64;
  constexpr int kRounds = 4'000;
  constexpr std::size_t kBlocks = 32;
  constexpr std::uint64_t kPage = 4096;  // page 0 is always watched, for free(NULL)
  auto table = std::make_unique<LiveTable>();
  std::vector<std::atomic<bool>> taken(kBlocks);
  std::atomic<std::uint64_t> next_id{1};
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(static_cast<unsigned>(t));
      for (int i = 0; i < kRounds; ++i) {
        const std::size_t block = random() % kBlocks;
        if (taken[block].exchange(true, std::memory_order_acquire)) {
          continue;
        }
        const void* pointer = address(kPage + block * 16);
        bool right = table->insert(pointer, next_id.fetch_add(1));
        if (random() % 2 == 0) {
          right = right && table->remove(pointer);
        } else if (LiveTable::Slot* slot = table->begin_move(pointer)) {
          table->end_move(slot, true);
        } else {
          right = false;
        }
        wrong += right ? 0 : 1;
        taken[block].store(false, std::memory_order_release);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  CHECK(wrong == 0);
  CHECK(table->size() == 0);
  CHECK(ids_in(*table).empty());
  CHECK_FALSE(otprof::interpose::may_be_watched(address(kPage)));
}

}  // namespace
