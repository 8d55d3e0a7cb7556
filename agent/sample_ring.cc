// SPDX-License-Identifier: Apache-2.0
//
// Handler side. Calls allowed here: memset, and no other (create() excepted, which runs before the
// first sample).
#include "agent/sample_ring.h"

#include <sys/mman.h>

#include <bit>
#include <cstring>

namespace otprof::agent {
namespace {

constexpr std::size_t kLeastBytes = std::size_t{64} << 10;

std::atomic_ref<std::uint64_t> header_at(std::uint64_t* word) {
  return std::atomic_ref<std::uint64_t>(*word);
}

}  // namespace

bool SampleRing::create(std::size_t bytes) noexcept {
  const std::size_t size = std::bit_ceil(bytes < kLeastBytes ? kLeastBytes : bytes);
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    return false;
  }
  words_ = static_cast<std::uint64_t*>(memory);
  capacity_ = size / sizeof(std::uint64_t);
  return true;
}

std::uint64_t* SampleRing::reserve(std::uint32_t words) noexcept {
  const std::uint64_t need = std::uint64_t{words} + 1;
  std::uint64_t tail = tail_.load(std::memory_order_relaxed);
  for (;;) {
    const std::uint64_t position = tail & (capacity_ - 1);
    const std::uint64_t padding = position + need > capacity_ ? capacity_ - position : 0;
    if (tail + padding + need - head_.load(std::memory_order_acquire) > capacity_) {
      lost_.fetch_add(1, std::memory_order_relaxed);
      return nullptr;
    }
    if (tail_.compare_exchange_weak(tail, tail + padding + need, std::memory_order_relaxed)) {
      if (padding != 0) {
        header_at(words_ + position).store(kPadding | padding, std::memory_order_release);
      }
      return words_ + ((tail + padding) & (capacity_ - 1)) + 1;
    }
  }
}

void SampleRing::commit(std::uint64_t* payload, std::uint32_t words, std::uint32_t used) noexcept {
  const auto position = static_cast<std::uint64_t>(payload - words_);
  std::uint64_t end = tail_.load(std::memory_order_relaxed);
  // What is given back must be zero again, or its words would be taken for headers later.
  std::memset(payload + used, 0, (words - used) * sizeof(std::uint64_t));
  // Only when this record is the last one reserved does its end coincide with the tail.
  if (used < words && (end & (capacity_ - 1)) == ((position + words) & (capacity_ - 1)) &&
      tail_.compare_exchange_strong(end, end - (words - used), std::memory_order_relaxed)) {
    words = used;
  }
  header_at(payload - 1)
      .store(kRecord | std::uint64_t{used} << 32 | words, std::memory_order_release);
}

const std::uint64_t* SampleRing::peek(std::uint32_t& used) noexcept {
  for (;;) {
    std::uint64_t* word = words_ + (head_.load(std::memory_order_relaxed) & (capacity_ - 1));
    const std::uint64_t header = header_at(word).load(std::memory_order_acquire);
    if (header == 0) {
      return nullptr;
    }
    if ((header & kRecord) != 0) {
      used = static_cast<std::uint32_t>(header >> 32) & 0x7fffffffU;
      return word + 1;
    }
    advance();
  }
}

void SampleRing::advance() noexcept {
  const std::uint64_t head = head_.load(std::memory_order_relaxed);
  std::uint64_t* word = words_ + (head & (capacity_ - 1));
  const std::uint64_t header = header_at(word).load(std::memory_order_relaxed);
  const std::uint64_t size =
      (header & kRecord) != 0 ? (header & 0xffffffffU) + 1 : header & ~kPadding;
  std::memset(word, 0, size * sizeof(std::uint64_t));
  head_.store(head + size, std::memory_order_release);
}

void SampleRing::reset() noexcept {
  // Fresh zero pages, instead of a private copy of every page the parent has written.
  madvise(words_, capacity_ * sizeof(std::uint64_t), MADV_DONTNEED);
  head_.store(0, std::memory_order_relaxed);
  tail_.store(0, std::memory_order_relaxed);
  lost_.store(0, std::memory_order_relaxed);
}

}  // namespace otprof::agent
