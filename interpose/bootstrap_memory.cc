// SPDX-License-Identifier: Apache-2.0
#include "interpose/bootstrap_memory.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>

#include "interpose/allocation_hooks.h"

namespace otprof::interpose {
namespace {

constexpr std::size_t kStaticBytes = std::size_t{32} << 10;
constexpr std::size_t kMappedBytes = std::size_t{1} << 20;
constexpr std::size_t kMostMappings = 64;
constexpr std::size_t kPageBytes = std::size_t{1} << kPageBits;
constexpr std::size_t kLeastAlignment = alignof(std::max_align_t);

// Blocks come one after another out of [begin + used, begin + size).
struct Area {
  std::atomic<std::uintptr_t> begin{0};
  std::atomic<std::size_t> size{0};
  std::atomic<std::size_t> used{0};
};

alignas(kPageBytes) constinit std::array<unsigned char, kStaticBytes> static_bytes{};
constinit std::atomic<std::size_t> static_used{0};
constinit std::array<Area, kMostMappings> mappings{};
constinit std::atomic<std::size_t> mapping_count{0};

// In front of each block.
struct Header {
  std::size_t size;
};

void* map_memory(std::size_t size) noexcept {
  long result = SYS_mmap;
  register long flags __asm__("r10") = MAP_PRIVATE | MAP_ANONYMOUS;
  register long descriptor __asm__("r8") = -1;
  register long offset __asm__("r9") = 0;
  __asm__ volatile("syscall"
                   : "+a"(result)
                   : "D"(0L), "S"(size), "d"(long{PROT_READ | PROT_WRITE}), "r"(flags),
                     "r"(descriptor), "r"(offset)
                   : "rcx", "r11", "memory");
  return result < 0 && result > -4096 ? nullptr : reinterpret_cast<void*>(result);
}

// Frees of the block must come to the slow path, where it is recognised.
void* finish_block(std::uintptr_t address, std::size_t size) noexcept {
  reinterpret_cast<Header*>(address)[-1].size = size;
  watch(reinterpret_cast<void*>(address));
  return reinterpret_cast<void*>(address);
}

std::uintptr_t take(std::uintptr_t begin, std::size_t limit, std::atomic<std::size_t>& used,
                    std::size_t size, std::size_t alignment) noexcept {
  std::size_t at = used.load(std::memory_order_relaxed);
  for (;;) {
    const std::uintptr_t block = (begin + at + sizeof(Header) + alignment - 1) & ~(alignment - 1);
    if (size > limit || block - begin > limit - size) {
      return 0;
    }
    if (used.compare_exchange_weak(at, block - begin + size, std::memory_order_relaxed)) {
      return block;
    }
  }
}

}  // namespace

void* bootstrap_allocate(std::size_t size, std::size_t alignment) noexcept {
  alignment = alignment < kLeastAlignment ? kLeastAlignment : alignment;
  const auto begin = reinterpret_cast<std::uintptr_t>(static_bytes.data());
  if (const std::uintptr_t block = take(begin, kStaticBytes, static_used, size, alignment)) {
    return finish_block(block, size);
  }
  const std::size_t known = std::min(mapping_count.load(std::memory_order_acquire), kMostMappings);
  for (std::size_t i = 0; i < known; ++i) {
    Area& area = mappings[i];
    if (const std::uintptr_t block = take(area.begin, area.size, area.used, size, alignment)) {
      return finish_block(block, size);
    }
  }
  if (size > SIZE_MAX / 4 || alignment > SIZE_MAX / 4) {
    return nullptr;
  }
  const std::size_t bytes = std::max(kMappedBytes, size + alignment + kPageBytes);
  void* memory = map_memory(bytes);
  const std::size_t index = memory == nullptr ? kMostMappings : mapping_count.fetch_add(1);
  if (index >= kMostMappings) {
    return nullptr;
  }
  Area& area = mappings[index];
  area.begin = reinterpret_cast<std::uintptr_t>(memory);
  const std::uintptr_t block = take(area.begin, bytes, area.used, size, alignment);
  area.size = bytes;
  return finish_block(block, size);
}

bool is_bootstrap_block(const void* pointer) noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(pointer);
  if (address - reinterpret_cast<std::uintptr_t>(static_bytes.data()) < kStaticBytes) {
    return true;
  }
  const std::size_t known = std::min(mapping_count.load(std::memory_order_acquire), kMostMappings);
  for (std::size_t i = 0; i < known; ++i) {
    if (address - mappings[i].begin < mappings[i].size) {
      return true;
    }
  }
  return false;
}

std::size_t bootstrap_size(const void* pointer) noexcept {
  return static_cast<const Header*>(pointer)[-1].size;
}

}  // namespace otprof::interpose
