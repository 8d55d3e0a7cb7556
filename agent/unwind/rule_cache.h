// SPDX-License-Identifier: Apache-2.0
//
// Packed rules by pc, shared by all threads: a fixed table in .bss, written and read without locks.
//
// An entry is two words, each loaded and stored on its own. The key is pc + generation + k * rule
// with an odd k: for one pc and generation, each rule has its own key. So a reader that gets one word
// of one writer and the other of another finds no match and takes the slow step; only if a 64-bit
// sum hits a third pc by chance could it be misled.
// Usable from a signal handler and a malloc hook; calls nothing.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "agent/unwind/packed_rule.h"

namespace otprof::unwind {

class RuleCache {
 public:
  static constexpr std::size_t kEntries =
      8192;  // 128 KiB, of which only touched pages are resident

  // To be read before the tables are looked at: a rule stored under an older generation is void.
  // Generations are multiples of an odd 64-bit number, so that no two are as close as two pcs.
  std::uint64_t generation() const noexcept { return generation_.load(std::memory_order_acquire); }
  void forget() noexcept { generation_.fetch_add(kGenerationStep, std::memory_order_acq_rel); }

  // kEmptyRule if this pc is not there.
  PackedRule find(std::uint64_t pc, std::uint64_t generation) const noexcept {
    const Pair& pair = pairs_[index(pc)];
    const std::uint64_t stamp = pc + generation;
#pragma GCC unroll 2
    for (const Entry& entry : pair.entries) {
      const std::uint64_t key = entry.key.load(std::memory_order_relaxed);
      const std::uint64_t word = entry.rule.load(std::memory_order_relaxed);
      if (key - word * kRuleFactor == stamp) return PackedRule(word);
    }
    return PackedRule();
  }

  // Takes the first place of its pair; what was there moves to the second, whose rule is dropped.
  void insert(std::uint64_t pc, std::uint64_t generation, PackedRule rule) noexcept {
    Pair& pair = pairs_[index(pc)];
    Entry& first = pair.entries[0];
    Entry& second = pair.entries[1];
    second.key.store(first.key.load(std::memory_order_relaxed), std::memory_order_relaxed);
    second.rule.store(first.rule.load(std::memory_order_relaxed), std::memory_order_relaxed);
    first.key.store(pc + generation + rule.word() * kRuleFactor, std::memory_order_relaxed);
    first.rule.store(rule.word(), std::memory_order_relaxed);
  }

 private:
  static constexpr std::uint64_t kRuleFactor = 0x9e3779b97f4a7c15;
  static constexpr std::uint64_t kGenerationStep = 0xd1b54a32d192ed03;
  static constexpr unsigned kIndexBits = 12;

  struct Entry {
    std::atomic<std::uint64_t> key;
    std::atomic<std::uint64_t> rule;
  };
  struct alignas(32) Pair {  // within one cache line
    std::array<Entry, 2> entries;
  };
  static_assert((std::size_t{2} << kIndexBits) == kEntries);

  // No multiplication: the next step's load waits for this.
  static std::size_t index(std::uint64_t pc) noexcept {
    return static_cast<std::size_t>((pc ^ pc >> kIndexBits) & ((1U << kIndexBits) - 1));
  }

  std::array<Pair, kEntries / 2> pairs_{};
  std::atomic<std::uint64_t> generation_{0};
};

}  // namespace otprof::unwind
