// SPDX-License-Identifier: Apache-2.0
//
// The way of a sample from where it is taken to the background thread: a ring of 64-bit words with
// any number of writers (signal handlers, malloc hooks) and one reader.
//
// Promises to writers: reserve() and commit() take no lock, never wait, never allocate and make no
// libc call; a full ring gives nullptr, and the loss is counted. A writer that is interrupted
// between the two, even for ever, holds up the reader but no other writer. The memory is never
// unmapped: a handler may still be in it when the process ends.
//
// Layout: a record is a header word followed by its payload; the header becomes non-zero, with
// release order, when the record is complete. Unused words are zero, which is how the reader knows
// where complete records end.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace otprof::agent {

class SampleRing {
 public:
  // Maps `bytes` rounded up to a power of two, at least 64 KiB. False when there is no memory.
  bool create(std::size_t bytes) noexcept;

  // Room for `words` payload words, or nullptr when the reader is too far behind.
  std::uint64_t* reserve(std::uint32_t words) noexcept;
  // Publishes the first `used` of the words reserved at `payload`; gives the rest back if no later
  // record was reserved meanwhile. Call once for every successful reserve(), on the same thread.
  void commit(std::uint64_t* payload, std::uint32_t words, std::uint32_t used) noexcept;

  // Reader only: calls take(payload, used) for every complete record, oldest first, until the first
  // that is not complete yet, or was reserved after the call began: writers that are faster than the
  // reader must not keep it here, and what it gathers from growing without bound. Returns how many.
  template <typename Take>
  std::size_t drain(Take&& take) noexcept;

  // False while nothing has been put in, or lost.
  bool was_used() const noexcept {
    return tail_.load(std::memory_order_acquire) != 0 || lost() != 0;
  }
  std::uint64_t lost() const noexcept { return lost_.load(std::memory_order_relaxed); }
  // In a forked child, before any sample is taken there: records of the parent's are discarded.
  void reset() noexcept;

 private:
  // Header: low 32 bits the payload words reserved, high 31 bits the words used, top bit a record
  // (without it, padding up to the end of the ring).
  static constexpr std::uint64_t kRecord = std::uint64_t{1} << 63;
  static constexpr std::uint64_t kPadding = std::uint64_t{1} << 62;

  const std::uint64_t* peek(std::uint32_t& used) noexcept;
  void advance() noexcept;

  std::uint64_t* words_ = nullptr;
  std::uint64_t capacity_ = 0;                      // in words, a power of two
  alignas(64) std::atomic<std::uint64_t> tail_{0};  // next word to reserve; never wraps
  alignas(64) std::atomic<std::uint64_t> head_{0};  // next word to read; never wraps
  std::atomic<std::uint64_t> lost_{0};
};

template <typename Take>
std::size_t SampleRing::drain(Take&& take) noexcept {
  std::size_t records = 0;
  std::uint32_t used = 0;
  const std::uint64_t end = tail_.load(std::memory_order_acquire);
  while (head_.load(std::memory_order_relaxed) < end) {
    const std::uint64_t* payload = peek(used);
    if (payload == nullptr) {
      break;
    }
    take(payload, used);
    advance();
    ++records;
  }
  return records;
}

}  // namespace otprof::agent
