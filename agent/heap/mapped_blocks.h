// SPDX-License-Identifier: Apache-2.0
//
// Which memory of that which the program has mapped itself is still mapped: ranges of pages, each with
// the number of the sample that stands for it. What is unmapped is cut out of every range it touches, so
// what is left of a block is exact to the page.
//
// A call to munmap gives the pages away before it returns, and another thread may be given them at
// once. So every block has a birth, counted up, and a cut says which births it means: those up to the
// moment before the pages went. A cut is therefore right at whatever time it is made, also when it has
// to be made again.
//
// No operation waits. A range changes, together with the birth it belongs to, by one compare-exchange of
// 16 bytes. Only where the middle of a block goes, so that one range becomes two, is it marked as being
// changed, for some ten instructions; whoever finds it marked leaves what he cuts from it to the next one
// that comes along, or to bytes_left(). There is room for 64 such pieces; one more is lost, and counted.
//
// All but bytes_left() and remove(): mapping hooks, any thread, signal handlers too. Those: background thread.
// All zero bytes are a valid empty table: it can live in memory that is wiped on fork.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <unordered_map>

namespace otprof::heap {

// Pages from first up to end.
struct PageSpan {
  static constexpr std::uint64_t kPage = 4096;
  std::uint64_t first = 0;
  std::uint64_t end = 0;

  // The pages that `length` bytes from `address` on touch. Empty when they wrap around.
  static PageSpan of(const void* address, std::size_t length) noexcept;
  std::uint64_t bytes() const noexcept { return (end - first) * kPage; }
  bool overlaps(const PageSpan& other) const noexcept {
    return first < other.end && other.first < end;
  }
  bool operator==(const PageSpan&) const = default;
};

class MappedBlocks {
 public:
  // So many ranges fit. A look at them takes some 2 ns for each that is there.
  static constexpr std::size_t kSlots = 4096;

  // The births so far.
  std::uint64_t moment() const noexcept { return births_.load(); }
  std::uint64_t new_birth() noexcept { return births_.fetch_add(1) + 1; }

  // `id` 0: a block that is not sampled. False when there is no room, or the block is of 1 TiB and
  // more, or beyond the 47 bits of address that programs get unless they ask for more.
  bool insert(PageSpan pages, std::uint64_t birth, std::uint64_t id) noexcept;

  // Of all blocks up to the birth `moment`, the part within `pages` is there no more.
  void cut(PageSpan pages, std::uint64_t moment) noexcept;

  // Whether a block up to the birth `moment` holds the page.
  bool holds(std::uint64_t page, std::uint64_t moment) const noexcept;

  // Takes out all that is left of a sampled block.
  void remove(std::uint64_t id) noexcept;

  // What is left of each sampled block, in bytes, by its number. Makes the cuts that are waiting.
  std::unordered_map<std::uint64_t, std::uint64_t> bytes_left();

  std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }
  // Cuts, pieces of them, and rests of blocks, for which there was no room.
  std::uint64_t lost() const noexcept { return lost_.load(std::memory_order_relaxed); }

 private:
  // A range in a word: bit 0 marks it as being changed, 28 bits count its pages, 35 bits are the number of
  // the first. 0: the slot is empty. A mark alone: it is being filled.
  static constexpr std::uint64_t kMark = 1;
  static constexpr unsigned kCountBits = 28;
  static constexpr unsigned kPageBits = 35;
  static constexpr std::uint64_t kLastPage = (std::uint64_t{1} << kPageBits) - 1;
  static PageSpan span_of(std::uint64_t word) noexcept;
  static std::uint64_t word_of(PageSpan pages) noexcept;

  struct Range {
    std::uint64_t word = 0;
    std::uint64_t birth = 0;  // counts only while the word stays the same
  };
  struct alignas(16) Slot {
    std::atomic<std::uint64_t> word;
    std::atomic<std::uint64_t> birth;

    Range load() const noexcept;
    // Both at once. With births no range is mistaken for another that has taken its place.
    bool change(Range from, Range to) noexcept;
  };
  // Pages that a block has lost while it was marked.
  struct Piece {
    static constexpr std::uint32_t kEmpty = 0;
    static constexpr std::uint32_t kTaken = 1;
    static constexpr std::uint32_t kReady = 2;
    std::atomic<std::uint32_t> state;
    std::atomic<std::uint64_t> first;
    std::atomic<std::uint64_t> end;
    std::atomic<std::uint64_t> birth;
  };
  // Which blocks a cut means.
  struct Births {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
  };

  void note_empty(std::uint32_t slot) noexcept;
  std::uint32_t next_within(std::uint32_t slot, PageSpan pages) const noexcept;
  enum class Done { kYes, kMarked, kNo };

  bool insert_from(std::uint32_t slot, PageSpan pages, std::uint64_t birth,
                   std::uint64_t id) noexcept;
  Done cut_slot(std::uint32_t slot, PageSpan pages, Births births) noexcept;
  Done cut_all(PageSpan pages, Births births, bool may_postpone) noexcept;
  void split(std::uint32_t slot, Range range, PageSpan before, PageSpan after) noexcept;
  void postpone(PageSpan pages, std::uint64_t birth) noexcept;
  void make_postponed_cuts() noexcept;

  std::array<Slot, kSlots> slots_;
  std::array<std::atomic<std::uint64_t>, kSlots> ids_;
  std::atomic<std::uint32_t> used_;         // slots below this have been taken at least once
  std::atomic<std::uint32_t> first_empty_;  // where to begin to look for an empty one
  std::atomic<std::size_t> size_;           // ranges
  // Ranges of which the second half came to lie in a slot before the first, so that a look from the first
  // slot to the last may miss it.
  std::atomic<std::uint64_t> steps_back_;
  std::atomic<std::uint64_t> births_;
  std::array<Piece, 64> postponed_;
  std::atomic<std::uint32_t> postponed_count_;
  std::atomic<std::uint64_t> lost_;
};

}  // namespace otprof::heap
