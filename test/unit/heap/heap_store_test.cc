// SPDX-License-Identifier: Apache-2.0
#include "agent/heap/heap_store.h"

#include <catch2/catch.hpp>

#include <memory>

namespace heap = otprof::heap;
namespace symbols = otprof::symbols;
using heap::HeapSample;
using heap::HeapStore;

namespace {

constexpr std::uint64_t kSize = 100;

// The tables of a process, and what its hooks and its background thread do with them.
struct Process {
  symbols::ModuleMap modules;
  std::unique_ptr<heap::LiveTable> table = std::make_unique<heap::LiveTable>();
  std::unique_ptr<heap::MappedBlocks> mapped = std::make_unique<heap::MappedBlocks>();
  HeapStore store;

  Process() = default;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  // Pages are watched for all tables of the process together.
  ~Process() {
    for (std::uint64_t id = 1; id < 3; ++id) {
      table->remove(pointer(id));
    }
  }
  static const void* pointer(std::uint64_t id) {
    return reinterpret_cast<const void*>(static_cast<std::uintptr_t>(id * 4096));
  }
  void allocate(std::uint64_t id) { REQUIRE(table->insert(pointer(id), id)); }
  void free(std::uint64_t id) { REQUIRE(table->remove(pointer(id))); }
  // The record of an allocation comes out of the ring.
  void read(std::uint64_t id, heap::BlockKind kind = heap::BlockKind::kAllocated) {
    HeapSample sample;
    sample.id = id;
    sample.address = reinterpret_cast<std::uintptr_t>(pointer(id));
    sample.size = kind == heap::BlockKind::kMapped ? 2 * heap::PageSpan::kPage : kSize;
    sample.interval = 1;
    sample.kind = kind;
    store.add(modules, sample, {}, "main");
  }
  void note() { store.note_alive(*table, *mapped); }
  double live_bytes() const {
    double bytes = 0;
    for (const heap::HeapRow& row : store.rows(0)) {
      bytes += row.age >= 0 ? row.bytes : 0;
    }
    return bytes;
  }
};

}  // namespace

TEST_CASE("a block is alive whose record comes after the look at the table") {
  Process process;
  process.allocate(1);
  process.note();
  CHECK(process.store.awaited() == 1);
  process.read(1);
  CHECK(process.store.awaited() == 0);
  CHECK(process.store.live_samples() == 1);
  CHECK(process.live_bytes() == kSize);
}

TEST_CASE("blocks are counted as of one moment, whatever is freed and allocated after it") {
  Process process;
  process.allocate(1);
  process.read(1);
  process.note();
  process.free(1);
  process.allocate(2);
  process.read(2);
  CHECK(process.live_bytes() == kSize);
  process.store.begin_window();
  process.note();
  CHECK(process.live_bytes() == kSize);
  CHECK(process.store.kept_samples() == 1);
  process.free(2);
  process.note();
  CHECK(process.live_bytes() == 0);
  CHECK(process.store.kept_samples() == 0);
}

TEST_CASE("a block that is freed before its record is read never counts as alive") {
  Process process;
  process.allocate(1);
  process.free(1);
  process.note();
  process.read(1);
  CHECK(process.store.awaited() == 0);
  CHECK(process.live_bytes() == 0);
  process.note();
  CHECK(process.store.kept_samples() == 0);
}

TEST_CASE("a record that does not come is given up once, and counts when it has come after all") {
  Process process;
  process.allocate(1);
  process.note();
  CHECK(process.store.give_up_awaited() == 1);
  process.note();
  CHECK(process.store.awaited() == 0);
  process.read(1);
  CHECK(process.live_bytes() == 0);
  process.note();
  CHECK(process.live_bytes() == kSize);
}

TEST_CASE("of a mapped block as much is alive as was left at that moment") {
  Process process;
  const auto pages = heap::PageSpan::of(Process::pointer(16), 2 * heap::PageSpan::kPage);
  REQUIRE(process.mapped->insert(pages, process.mapped->new_birth(), 16));
  process.note();
  process.mapped->cut({pages.first, pages.first + 1}, process.mapped->moment());
  process.read(16, heap::BlockKind::kMapped);
  CHECK(process.live_bytes() == 2 * heap::PageSpan::kPage);
  process.note();
  CHECK(process.live_bytes() == heap::PageSpan::kPage);
}

TEST_CASE("blocks whose records are still to come do not lengthen the interval") {
  Process process;
  process.allocate(1);
  process.allocate(2);
  process.note();
  CHECK(process.store.make_room(*process.table, 0, 64) == 64);
  CHECK(process.table->size() == 2);
  process.read(1);
  process.read(2);
  const std::uint64_t needed = process.store.make_room(*process.table, 0, 64);
  CHECK(needed > 64);
  CHECK(process.table->size() == 0);
  CHECK(process.store.kept_samples() == 0);
}

TEST_CASE("thinning leaves a block that realloc is working on") {
  Process process;
  process.allocate(1);
  process.read(1);
  heap::LiveTable::Slot* slot = process.table->begin_move(Process::pointer(1));
  REQUIRE(slot != nullptr);
  process.store.thin(*process.table, std::uint64_t{1} << 40U);
  process.table->end_move(slot, false);
  process.note();
  CHECK(process.store.awaited() == 0);
  CHECK(process.store.kept_samples() == 1);
}
