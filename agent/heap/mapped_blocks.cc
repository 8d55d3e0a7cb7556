// SPDX-License-Identifier: Apache-2.0
//
// Mapping hook side, all but bytes_left() and remove(). Calls allowed here: none.
#include "agent/heap/mapped_blocks.h"

#include <algorithm>

namespace otprof::heap {

PageSpan PageSpan::of(const void* address, std::size_t length) noexcept {
  const auto start = reinterpret_cast<std::uintptr_t>(address);
  std::uintptr_t limit = 0;
  if (__builtin_add_overflow(start, length, &limit) || limit > ~(kPage - 1)) {
    return {};
  }
  return {start / kPage, (limit + kPage - 1) / kPage};
}

PageSpan MappedBlocks::span_of(std::uint64_t word) noexcept {
  const std::uint64_t first = word >> (kCountBits + 1);
  return {first, first + (word >> 1U & ((std::uint64_t{1} << kCountBits) - 1))};
}

std::uint64_t MappedBlocks::word_of(PageSpan pages) noexcept {
  return pages.first << (kCountBits + 1) | (pages.end - pages.first) << 1U;
}

bool MappedBlocks::insert(PageSpan pages, std::uint64_t birth, std::uint64_t id) noexcept {
  const std::uint32_t hint = first_empty_.load(std::memory_order_relaxed);
  return insert_from(hint, pages, birth, id) || (hint != 0 && insert_from(0, pages, birth, id));
}

bool MappedBlocks::insert_from(std::uint32_t first, PageSpan pages, std::uint64_t birth,
                               std::uint64_t id) noexcept {
  constexpr std::uint64_t kMostPages = std::uint64_t{1} << kCountBits;
  if (pages.end <= pages.first || pages.end - pages.first >= kMostPages ||
      pages.end - 1 > kLastPage) {
    return false;
  }
  for (std::uint32_t i = first; i < kSlots; ++i) {
    Slot& slot = slots_[i];
    std::uint64_t empty = 0;
    if (slot.word.load(std::memory_order_relaxed) != 0 ||
        !slot.word.compare_exchange_strong(empty, kMark, std::memory_order_acquire)) {
      continue;
    }
    size_.fetch_add(1, std::memory_order_relaxed);
    std::uint32_t used = used_.load(std::memory_order_relaxed);
    while (used <= i && !used_.compare_exchange_weak(used, i + 1)) {
    }
    ids_[i].store(id, std::memory_order_relaxed);
    slot.birth.store(birth, std::memory_order_relaxed);
    slot.word.store(word_of(pages), std::memory_order_release);
    if (first == first_empty_.load(std::memory_order_relaxed)) {
      first_empty_.store(i + 1, std::memory_order_relaxed);
    }
    return true;
  }
  return false;
}

void MappedBlocks::note_empty(std::uint32_t slot) noexcept {
  size_.fetch_sub(1, std::memory_order_relaxed);
  if (slot < first_empty_.load(std::memory_order_relaxed)) {
    first_empty_.store(slot, std::memory_order_relaxed);
  }
}

MappedBlocks::Range MappedBlocks::Slot::load() const noexcept {
  Range range;
  range.word = word.load(std::memory_order_acquire);
  range.birth = birth.load(std::memory_order_acquire);
  return range;
}

bool MappedBlocks::Slot::change(Range from, Range to) noexcept {
  bool is_changed = false;
  __asm__ volatile("lock cmpxchg16b %1"
                   : "=@ccz"(is_changed), "+m"(*this), "+a"(from.word), "+d"(from.birth)
                   : "b"(to.word), "c"(to.birth)
                   : "memory");
  return is_changed;
}

// Makes two ranges of one, which this thread has marked.
void MappedBlocks::split(std::uint32_t slot, Range range, PageSpan before,
                         PageSpan after) noexcept {
  const std::uint64_t id = ids_[slot].load(std::memory_order_relaxed);
  // Whoever comes to this slot when the range has become smaller has the rest of it still before him.
  if (!insert_from(slot + 1, after, range.birth, id)) {
    if (!insert(after, range.birth, id)) {
      lost_.fetch_add(1, std::memory_order_relaxed);
    }
    steps_back_.fetch_add(1, std::memory_order_release);
  }
  slots_[slot].word.store(word_of(before), std::memory_order_release);
}

MappedBlocks::Done MappedBlocks::cut_slot(std::uint32_t slot, PageSpan pages,
                                          Births births) noexcept {
  constexpr int kMostAttempts = 8;
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    const Range range = slots_[slot].load();
    const PageSpan block = span_of(range.word);
    if (!block.overlaps(pages)) {
      return Done::kYes;
    }
    if (slots_[slot].word.load(std::memory_order_relaxed) != range.word) {
      continue;  // the birth may be another block's
    }
    if (range.birth < births.first || range.birth > births.last) {
      return Done::kYes;
    }
    if ((range.word & kMark) != 0) {
      return Done::kMarked;
    }
    const PageSpan before{block.first, std::max(block.first, pages.first)};
    const PageSpan after{std::min(block.end, pages.end), block.end};
    if (before.bytes() != 0 && after.bytes() != 0) {
      if (slots_[slot].change(range, {range.word | kMark, range.birth})) {
        split(slot, range, before, after);
        return Done::kYes;
      }
    } else if (before.bytes() != 0 || after.bytes() != 0) {
      if (slots_[slot].change(range,
                              {word_of(before.bytes() != 0 ? before : after), range.birth})) {
        return Done::kYes;
      }
    } else if (slots_[slot].change(range, {})) {
      note_empty(slot);
      return Done::kYes;
    }
  }
  return Done::kNo;
}

// The next slot from `slot` on with a range that touches these pages; kSlots: none. This is where the
// time goes.
std::uint32_t MappedBlocks::next_within(std::uint32_t slot, PageSpan pages) const noexcept {
  // A range that begins at pages.end or later has a word of this or more.
  const std::uint64_t beyond =
      pages.end > kLastPage ? ~std::uint64_t{0} : pages.end << (kCountBits + 1);
  for (; slot < used_.load(std::memory_order_acquire); ++slot) {
    const std::uint64_t word = slots_[slot].word.load(std::memory_order_acquire);
    if (word < beyond && span_of(word).end > pages.first) {
      return slot;
    }
  }
  return kSlots;
}

// kMarked only if nothing may be postponed.
MappedBlocks::Done MappedBlocks::cut_all(PageSpan pages, Births births,
                                         bool may_postpone) noexcept {
  constexpr int kMostAttempts = 16;
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    const std::uint64_t steps_back = steps_back_.load(std::memory_order_acquire);
    bool is_done = true;
    std::uint32_t i = 0;
    for (;; ++i) {
      i = next_within(i, pages);
      if (i == kSlots) {
        break;
      }
      const Done done = cut_slot(i, pages, births);
      if (done == Done::kMarked) {
        if (!may_postpone) {
          return done;
        }
        const Range marked = slots_[i].load();
        const PageSpan block = span_of(marked.word);
        // Should another block have taken its place, all of it is looked at once more.
        if (marked.birth <= births.last && block.overlaps(pages)) {
          postpone({std::max(block.first, pages.first), std::min(block.end, pages.end)},
                   marked.birth);
        } else {
          is_done = false;
        }
      }
      is_done = is_done && done != Done::kNo;
    }
    if (is_done && steps_back_.load(std::memory_order_acquire) == steps_back) {
      return Done::kYes;
    }
  }
  return Done::kNo;
}

void MappedBlocks::cut(PageSpan pages, std::uint64_t moment) noexcept {
  if (pages.end <= pages.first || size() == 0) {
    return;
  }
  make_postponed_cuts();
  if (cut_all(pages, {0, moment}, true) != Done::kYes) {
    lost_.fetch_add(1, std::memory_order_relaxed);
  }
}

// What one block loses in several pieces that touch each other takes one place.
void MappedBlocks::postpone(PageSpan pages, std::uint64_t birth) noexcept {
  for (Piece& piece : postponed_) {
    std::uint32_t ready = Piece::kReady;
    if (piece.birth.load(std::memory_order_relaxed) != birth ||
        !piece.state.compare_exchange_strong(ready, Piece::kTaken, std::memory_order_acquire)) {
      continue;
    }
    const std::uint64_t first = piece.first.load(std::memory_order_relaxed);
    const std::uint64_t end = piece.end.load(std::memory_order_relaxed);
    const bool is_same = piece.birth.load(std::memory_order_relaxed) == birth &&
                         first <= pages.end && pages.first <= end;
    if (is_same) {
      piece.first.store(std::min(first, pages.first), std::memory_order_relaxed);
      piece.end.store(std::max(end, pages.end), std::memory_order_relaxed);
    }
    piece.state.store(Piece::kReady, std::memory_order_release);
    if (is_same) {
      return;
    }
  }
  for (Piece& piece : postponed_) {
    std::uint32_t empty = Piece::kEmpty;
    if (piece.state.compare_exchange_strong(empty, Piece::kTaken, std::memory_order_acquire)) {
      piece.first.store(pages.first, std::memory_order_relaxed);
      piece.end.store(pages.end, std::memory_order_relaxed);
      piece.birth.store(birth, std::memory_order_relaxed);
      postponed_count_.fetch_add(1, std::memory_order_relaxed);
      piece.state.store(Piece::kReady, std::memory_order_release);
      return;
    }
  }
  lost_.fetch_add(1, std::memory_order_relaxed);
}

void MappedBlocks::make_postponed_cuts() noexcept {
  if (postponed_count_.load(std::memory_order_relaxed) == 0) {
    return;
  }
  for (Piece& piece : postponed_) {
    std::uint32_t ready = Piece::kReady;
    if (piece.state.load(std::memory_order_relaxed) != ready ||
        !piece.state.compare_exchange_strong(ready, Piece::kTaken, std::memory_order_acquire)) {
      continue;
    }
    const PageSpan pages{piece.first.load(std::memory_order_relaxed),
                         piece.end.load(std::memory_order_relaxed)};
    const std::uint64_t birth = piece.birth.load(std::memory_order_relaxed);
    if (cut_all(pages, {birth, birth}, false) == Done::kYes) {
      postponed_count_.fetch_sub(1, std::memory_order_relaxed);
      piece.state.store(Piece::kEmpty, std::memory_order_release);
    } else {
      piece.state.store(Piece::kReady, std::memory_order_release);
    }
  }
}

bool MappedBlocks::holds(std::uint64_t page, std::uint64_t moment) const noexcept {
  const std::uint32_t used = used_.load(std::memory_order_acquire);
  for (std::uint32_t i = 0; i < used; ++i) {
    const Range range = slots_[i].load();
    if (span_of(range.word).overlaps({page, page + 1}) && range.birth <= moment) {
      return true;
    }
  }
  return false;
}

std::unordered_map<std::uint64_t, std::uint64_t> MappedBlocks::bytes_left() {
  make_postponed_cuts();
  std::unordered_map<std::uint64_t, std::uint64_t> bytes;
  // A look may miss a block whose rest has come to lie in a slot passed already.
  constexpr int kMostLooks = 100;
  for (int look = 0; look < kMostLooks; ++look) {
    const std::uint64_t steps_back = steps_back_.load(std::memory_order_acquire);
    std::unordered_map<std::uint64_t, std::uint64_t> seen;
    for (std::uint32_t i = 0; i < used_.load(std::memory_order_acquire); ++i) {
      const std::uint64_t word = slots_[i].word.load(std::memory_order_acquire);
      const std::uint64_t id = ids_[i].load(std::memory_order_relaxed);
      if ((word & ~kMark) != 0 && id != 0) {
        seen[id] += span_of(word).bytes();
      }
    }
    const bool is_sure = steps_back_.load(std::memory_order_acquire) == steps_back;
    if (is_sure && look == 0) {
      return seen;
    }
    for (const auto& [id, left] : seen) {
      bytes[id] = left;
    }
    if (is_sure) {
      break;
    }
  }
  return bytes;
}

void MappedBlocks::remove(std::uint64_t id) noexcept {
  const std::uint32_t used = used_.load(std::memory_order_acquire);
  for (std::uint32_t i = 0; i < used; ++i) {
    const Range range = slots_[i].load();
    if ((range.word & kMark) == 0 && range.word != 0 &&
        ids_[i].load(std::memory_order_relaxed) == id && slots_[i].change(range, {})) {
      note_empty(i);
    }
  }
}

}  // namespace otprof::heap
